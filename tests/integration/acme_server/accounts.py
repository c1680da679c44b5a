# SPDX-License-Identifier: LGPL-2.1-or-later
"""Endpoints about accounts: newAccount with its binding, the account, keyChange."""
from . import jose
from .jose import demand
from .model import Account
from .problem import Answer, Problem


class Accounts:
    def __init__(self, ca):
        self.ca, self.all = ca, []

    def by_jwk(self, jwk):
        mark = jose.thumbprint(jwk)
        return next((a for a in self.all if jose.thumbprint(a.jwk) == mark), None)

    def by_url(self, url):
        return next((a for a in self.all if a.url == url), None)

    def authenticate(self, jws):
        """Whose kid it is, with the signature checked. Raises Problem."""
        kid = jws.protected["kid"]
        account = self.by_url(kid)
        if account and self.ca.is_lagging(account.made):
            account = None
        if not account:
            raise Problem("accountDoesNotExist", f'Account "{kid}" not found')
        jws.check_signature(account.jwk)
        if account.status != "valid":
            raise Problem("unauthorized", f"Account is not valid, has status \"{account.status}\"",
                          403)
        return account

    def check_terms(self, account):
        """RFC 8555 section 7.3.3: before anything but the account itself."""
        terms = self.ca.options.terms
        if terms and account.terms != terms:
            raise Problem("userActionRequired",
                          f"Terms of service have changed: visit {terms}", 403,
                          [("Link", f'<{terms}>;rel="terms-of-service"')], instance=terms)

    # --- newAccount ---

    def check_binding(self, jws, payload):
        options = self.ca.options
        if not options.eab:
            demand("externalAccountBinding" not in payload, "a binding that nobody asked for")
            return
        if "externalAccountBinding" not in payload:
            raise Problem("externalAccountRequired", "this CA wants an external account binding")
        inner = jose.Jws(payload["externalAccountBinding"], "externalAccountBinding")
        inner.check_header("alg", "kid", "url")
        demand(inner.protected["url"] == jws.protected["url"], "the binding's url is another one")
        demand(inner.json() == jws.protected["jwk"], "the binding is of another key")
        key = options.eab.get(inner.protected["kid"])
        if key is None or not inner.check_mac(jose.decode(key)):
            raise Problem("unauthorized", "the external account binding does not fit", 403)

    @staticmethod
    def check_contact(contact):
        demand(isinstance(contact, list), "contact is no array")
        for c in contact:
            if not isinstance(c, str) or not c.startswith("mailto:"):
                raise Problem("unsupportedContact", f"{c} is no mailto: URL")
            if any(sign in c for sign in "?#,") or not c.isascii() or "@" not in c:
                raise Problem("invalidContact", f"{c} is no address")

    def new(self, request, jws):
        options, payload = self.ca.options, jws.json()
        known = {"contact", "termsOfServiceAgreed", "onlyReturnExisting", "externalAccountBinding"}
        demand(set(payload) <= known, f"newAccount with {sorted(payload)}")
        account = self.by_jwk(jws.protected["jwk"])
        if account:
            if account.status != "valid":
                raise Problem("unauthorized", "An account with the provided public key exists but "
                              f"is {account.status}", 403)
            return self.answer(account, 200)
        if payload.get("onlyReturnExisting") is True:
            raise Problem("accountDoesNotExist", "unable to find existing account for "
                          "only-return-existing request")
        if options.terms and payload.get("termsOfServiceAgreed") is not True:
            raise Problem("userActionRequired", "must agree to terms of service", 403,
                          [("Link", f'<{options.terms}>;rel="terms-of-service"')],
                          instance=options.terms)
        contact = payload.get("contact", [])
        self.check_contact(contact)
        if options.contact_required and not contact:
            raise Problem("invalidContact", "at least one contact is needed")
        self.check_binding(jws, payload)
        if options.limits:
            options.limits.on_registration(request.address, self.ca.now())
        account = Account(self.ca.url("account", len(self.all) + 1), jws.protected["jwk"],
                          contact, options.terms, self.ca.now())
        self.all.append(account)
        return self.answer(account, 201)

    def answer(self, account, status=200):
        """Like Let's Encrypt's: contacts are taken and never told."""
        return Answer.of_json({"status": account.status, "key": account.jwk}, status,
                              [("Location", account.url)])

    # --- the account itself ---

    def update(self, account, jws):
        if not jws.payload:
            return self.answer(account)
        payload = jws.json()
        demand(set(payload) <= {"contact", "status", "termsOfServiceAgreed"},
               f"account with {sorted(payload)}")
        if "contact" in payload:
            self.check_contact(payload["contact"])
            account.contact = payload["contact"]
        if "status" in payload:
            demand(payload["status"] == "deactivated", "an account's status is set to nonsense")
            account.status = "deactivated"
        if payload.get("termsOfServiceAgreed") is True:
            account.terms = self.ca.options.terms
        return self.answer(account)

    def change_key(self, account, jws):
        inner = jose.Jws(jws.json(), "keyChange")
        inner.check_header("alg", "jwk", "url")
        demand(inner.protected["url"] == jws.protected["url"], "keyChange's inner url differs")
        new = inner.protected["jwk"]
        inner.check_signature(new)
        payload = inner.json()
        demand(payload == {"account": account.url, "oldKey": account.jwk},
               "keyChange is not of this account and its key")
        other = self.by_jwk(new)
        if other:
            raise Problem("malformed", "the new key belongs to another account", 409,
                          [("Location", other.url)])
        if self.ca.options.rollover == "works":
            account.jwk = new
        return self.answer(account)
