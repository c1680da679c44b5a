# SPDX-License-Identifier: LGPL-2.1-or-later
"""Let's Encrypt's rate limits (acme.md section 16): token buckets, with its words."""
import time

from .model import DAY, HOUR, MINUTE
from .problem import Answer, Problem

SITE = "https://letsencrypt.org/docs/rate-limits/"

# name: (capacity, seconds until one comes back, what the refusal says)
TABLE = {
    "registrations": (10, 18 * MINUTE, "too many new registrations (10) from this IP address in "
                      "the last 3h0m0s", "#new-registrations-per-ip-address"),
    "orders": (300, 36, "too many new orders (300) from this account in the last 3h0m0s",
               "#new-orders-per-account"),
    "domain": (50, 202 * MINUTE, 'too many certificates (50) already issued for "{0}" in the last '
               "168h0m0s", "#new-certificates-per-registered-domain"),
    "exact": (5, 34 * HOUR, "too many certificates (5) already issued for this exact set of "
              "identifiers in the last 168h0m0s", "#new-certificates-per-exact-set-of-identifiers"),
    "failures": (5, 12 * MINUTE, 'too many failed authorizations (5) for "{0}" in the last 1h0m0s',
                 "#authorization-failures-per-identifier-per-account"),
    "consecutive": (1152, DAY, "", "")}

# Requests of one address: kind -> (in a second, burst).
REQUESTS = {"new-nonce": (20, 10), "new-account": (5, 15), "new-order": (300, 200),
            "revoke": (10, 100), "renewal-info": (1000, 100), "directory": (40, 40)}
OTHER_REQUESTS = (250, 125)


class Bucket:
    """capacity tokens; one comes back every period."""

    def __init__(self, capacity, period, now):
        self.capacity, self.period = capacity, period
        self.tokens, self.last = capacity, now

    def refill(self, now):
        # A clock that was set back gives nothing and takes nothing.
        self.tokens = min(self.capacity,
                          self.tokens + max(0.0, now - self.last) / self.period)
        self.last = now

    def wait(self, now):
        """Return: seconds until there is a token; 0: there is one."""
        self.refill(now)
        return 0 if self.tokens >= 1 else (1 - self.tokens) * self.period

    def take(self, now):
        self.refill(now)
        self.tokens -= 1


class Limits:
    """speed: how many times faster than in the world tokens come back; capacities by name."""

    def __init__(self, speed=1, **capacities):
        self.table = {n: (capacities.get(n, c), p / speed, text, anchor)
                      for n, (c, p, text, anchor) in TABLE.items()}
        self.requests = {k: v for k, v in REQUESTS.items()}
        self.buckets = {}
        self.paused = set()  # pairs of account URL and name

    def bucket(self, name, key, now):
        capacity, period, _, _ = self.table[name]
        return self.buckets.setdefault((name, key), Bucket(capacity, period, now))

    def left(self, name, key, now):
        """What is left, for a test to look at."""
        b = self.bucket(name, key, now)
        b.refill(now)
        return b.tokens

    def check(self, name, key, now, shown=""):
        wait = self.bucket(name, key, now).wait(now)
        if wait <= 0:
            return
        seconds = int(wait) + 1
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now + seconds))
        _, _, text, anchor = self.table[name]
        raise Problem("rateLimited",
                      f"{text.format(shown or key)}, retry after {until}: see {SITE}{anchor}", 429,
                      [("Retry-After", str(seconds)), ("Link", f'<{SITE}>;rel="help"')])

    def take(self, name, key, now):
        self.bucket(name, key, now).take(now)

    # --- the events ---

    def on_request(self, kind, address, now):
        """Return: None, or what the load balancer answers."""
        rate, burst = self.requests.get(kind, OTHER_REQUESTS)
        b = self.buckets.setdefault((kind, address), Bucket(burst, 1 / rate, now))
        if b.wait(now) > 0:
            return Answer(503, [("Content-Type", "text/html"), ("Retry-After", "1")],
                          b"<html><body>Service busy; retry later.</body></html>")
        b.take(now)
        return None

    def on_registration(self, address, now):
        self.check("registrations", address, now)
        self.take("registrations", address, now)

    def check_pause(self, account, names, url):
        held = sorted(n for n in names if (account, n) in self.paused)
        if held:
            more = f" and {len(held) - 1} more" if len(held) > 1 else ""
            raise Problem(
                "rateLimited", "Your account is temporarily prevented from requesting certificates "
                f"for {held[0]}{more}. Please visit: {url}", 429,
                [("Link", f'<{SITE}#consecutive-authorization-failures>;rel="help"')])

    def on_order(self, account, names, renewal, now):
        """renewal: None, "set" (the same names were issued before) or "ari" (inside its window)."""
        if renewal == "ari":
            return
        for n in names:
            self.check("failures", (account, n), now, n)
        self.check("exact", tuple(sorted(names)), now)
        if renewal != "set":
            self.check("orders", account, now)
            domains = {registered(n) for n in names}
            for d in domains:
                self.check("domain", d, now)
            self.take("orders", account, now)

    def on_issued(self, names, renewal, now):
        self.take("exact", tuple(sorted(names)), now)
        if renewal is None:
            for d in {registered(n) for n in names}:
                self.take("domain", d, now)

    def on_failure(self, account, name, now):
        self.take("failures", (account, name), now)
        b = self.bucket("consecutive", (account, name), now)
        b.take(now)
        if b.tokens < 1:
            self.paused.add((account, name))

    def on_success(self, account, name):
        self.buckets.pop(("consecutive", (account, name)), None)

    def unpause(self, account):
        """The human behind the link."""
        freed = {(a, n) for a, n in self.paused if a == account}
        self.paused -= freed
        for pair in freed:
            self.buckets.pop(("consecutive", pair), None)


def registered(name):
    """The registered domain, where every public suffix has one label, as those of tests have."""
    return ".".join(name.split(".")[-2:]) if not name[-1].isdigit() and ":" not in name else name
