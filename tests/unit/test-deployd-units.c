/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reload= against a systemd that the test plays, on a bus of the test's own: dbus-daemon with a
 * socket in a scratch directory, the fake manager as a second connection on the same loop.
 */

#include "net-util.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "base/log.h"
#include "base/text.h"
#include "deployd/units.h"
#include "scratch.h"

typedef enum JobEnd {
        TELL_LATER, /* JobRemoved after the reply, as a rule */
        TELL_FIRST, /* JobRemoved before the reply */
        TELL_NEVER,
        REFUSE, /* an error instead of a job */
} JobEnd;

typedef struct FakeUnit {
        const char *name;
        const char *path; /* object path */
        const char *load_state;
        const char *active_state;
        bool can_reload;
        JobEnd end;
        const char *result;
} FakeUnit;

static const FakeUnit fakes[] = {
        { "nginx.service", "/org/freedesktop/systemd1/unit/nginx", "loaded", "active", true,
                        TELL_LATER, "done" },
        { "early.service", "/org/freedesktop/systemd1/unit/early", "loaded", "active", false,
                        TELL_FIRST, "done" },
        { "broken.service", "/org/freedesktop/systemd1/unit/broken", "loaded", "active", true,
                        TELL_FIRST, "failed" },
        { "stopped.service", "/org/freedesktop/systemd1/unit/stopped", "loaded", "inactive", true,
                        TELL_LATER, "done" },
        { "fallen.service", "/org/freedesktop/systemd1/unit/fallen", "loaded", "failed", true,
                        TELL_LATER, "done" },
        { "absent.service", "/org/freedesktop/systemd1/unit/absent", "not-found", "inactive", false,
                        TELL_LATER, "done" },
        { "masked.service", "/org/freedesktop/systemd1/unit/masked", "masked", "inactive", false,
                        TELL_LATER, "done" },
        { "odd.service", "/org/freedesktop/systemd1/unit/odd", "bad-setting", "inactive", false,
                        TELL_LATER, "done" },
        { "slow.service", "/org/freedesktop/systemd1/unit/slow", "loaded", "active", true,
                        TELL_NEVER, NULL },
        { "denied.service", "/org/freedesktop/systemd1/unit/denied", "loaded", "active", true,
                        REFUSE, NULL },
        { "gone.service", "/org/freedesktop/systemd1/unit/gone", "loaded", "active", true,
                        TELL_LATER, "skipped" },
};

typedef struct Outcome {
        unsigned n;
        bool ok;
        char *sentence;
} Outcome;

typedef struct Fixture {
        Scratch scratch;
        pid_t daemon;
        sd_event *event;
        sd_bus *manager; /* the fake's connection */
        Units *units;

        unsigned n_jobs;
        Buffer calls; /* "Method unit\n" */
        struct {
                char *path;
                const FakeUnit *unit;
        } later[16];
        size_t n_later;
} Fixture;

/* --- the fake --------------------------------------------------------------------------------- */

static const FakeUnit *find_unit(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(fakes); i++)
                if (streq(fakes[i].name, name) || streq(fakes[i].path, name))
                        return &fakes[i];
        return NULL;
}

static void tell_removed(Fixture *f, const char *path, const FakeUnit *unit)
{
        assert_true(sd_bus_emit_signal(f->manager, "/org/freedesktop/systemd1",
                                    "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss",
                                    (uint32_t) 1, path, unit->name, unit->result) >= 0);
}

/* Jobs end when the loop has turned, so that the reply is out by then. */
static void tell_later(Fixture *f)
{
        for (size_t i = 0; i < f->n_later; i++) {
                tell_removed(f, f->later[i].path, f->later[i].unit);
                free(f->later[i].path);
        }
        f->n_later = 0;
}

static void note_call(Fixture *f, sd_bus_message *m, const char *unit)
{
        assert_int_equal(buffer_append_format(
                                         &f->calls, "%s %s\n", sd_bus_message_get_member(m), unit),
                        0);
}

static int on_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        note_call(userdata, m, "-");
        return sd_bus_reply_method_return(m, NULL);
}

static int on_load_unit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name;

        assert_true(sd_bus_message_read(m, "s", &name) >= 0);
        if (!find_unit(name))
                return sd_bus_error_set(error, "org.freedesktop.DBus.Error.InvalidArgs",
                                "Unit name is not valid");
        return sd_bus_reply_method_return(m, "o", find_unit(name)->path);
}

static int on_reset(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name;

        assert_true(sd_bus_message_read(m, "s", &name) >= 0);
        note_call(userdata, m, name);
        return sd_bus_reply_method_return(m, NULL);
}

static int on_job(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_free_ char *path = NULL;
        const char *name, *mode;
        const FakeUnit *unit;
        Fixture *f = userdata;

        assert_true(sd_bus_message_read(m, "ss", &name, &mode) >= 0);
        assert_string_equal(mode, "replace");
        note_call(f, m, name);
        unit = find_unit(name);
        path = text_format("/org/freedesktop/systemd1/job/%u", ++f->n_jobs);
        switch (unit->end) {
        case REFUSE:
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Access\ndenied");
        case TELL_FIRST:
                tell_removed(f, path, unit);
                break;
        case TELL_LATER:
                f->later[f->n_later].unit = unit;
                f->later[f->n_later++].path = strdup(path);
                break;
        case TELL_NEVER:
                break;
        }
        return sd_bus_reply_method_return(m, "o", path);
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const FakeUnit *unit = find_unit(path);

        if (!unit)
                return -ENOENT;
        if (streq(property, "CanReload"))
                return sd_bus_message_append(reply, "b", (int) unit->can_reload);
        if (streq(property, "Names"))
                return sd_bus_message_append(reply, "as", 1, unit->name);
        return sd_bus_message_append(reply, "s",
                        streq(property, "LoadState") ? unit->load_state : unit->active_state);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Subscribe", "", "", on_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("LoadUnit", "s", "o", on_load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ResetFailedUnit", "s", "", on_reset, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartUnit", "ss", "o", on_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ReloadOrTryRestartUnit", "ss", "o", on_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Names", "as", get_property, 0, 0),
        SD_BUS_PROPERTY("LoadState", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("ActiveState", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("CanReload", "b", get_property, 0, 0),
        SD_BUS_VTABLE_END,
};

static int find_object(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *error)
{
        *ret_found = userdata;
        return find_unit(path) ? 1 : 0;
}

/* --- the bus ---------------------------------------------------------------------------------- */

static char *bus_address(const Fixture *f)
{
        return text_format("unix:path=%s/bus", f->scratch.path);
}

static bool has_dbus_daemon(void)
{
        static const char *const places[] = { "/usr/bin/dbus-daemon", "/bin/dbus-daemon" };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (access(places[i], X_OK) == 0)
                        return true;
        return false;
}

/* A socket is there before it is listened to. */
static bool listens(const char *path)
{
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0 && strlen(path) < sizeof(un.sun_path));
        memcpy(un.sun_path, path, strlen(path));
        return connect(fd, (struct sockaddr *) &un, sizeof(un)) >= 0;
}

static void start_bus(Fixture *f)
{
        _cleanup_free_ char *address = bus_address(f), *text = NULL, *option = NULL, *path = NULL;
        char *argv[] = { (char *) (uintptr_t) "dbus-daemon", NULL, (char *) (uintptr_t) "--nofork",
                NULL };

        text = text_format("<busconfig><listen>%s</listen><auth>EXTERNAL</auth>"
                           "<policy context=\"default\"><allow send_destination=\"*\" "
                           "eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>"
                           "</policy></busconfig>",
                        address);
        assert_int_equal(file_create_at(f->scratch.fd, "bus.conf", text, strlen(text), 0600), 0);
        option = text_format("--config-file=%s/bus.conf", f->scratch.path);
        path = text_format("%s/bus", f->scratch.path);
        argv[1] = option;
        f->daemon = fork();
        if (f->daemon == 0) {
                /* It must not outlive a test that fails. */
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) >= 0)
                        (void) execvp(argv[0], argv);
                _exit(127);
        }
        assert_true(f->daemon > 0);
        loop_until(f->event, listens(path));
        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
}

static void stop_bus(Fixture *f)
{
        if (f->daemon <= 0)
                return;
        assert_int_equal(kill(f->daemon, SIGKILL), 0);
        assert_int_equal(waitpid(f->daemon, NULL, 0), f->daemon);
        f->daemon = 0;
}

static void start_manager(Fixture *f)
{
        assert_true(sd_bus_open_system(&f->manager) >= 0);
        assert_true(sd_bus_request_name(f->manager, "org.freedesktop.systemd1", 0) >= 0);
        assert_true(sd_bus_add_object_vtable(f->manager, NULL, "/org/freedesktop/systemd1",
                                    "org.freedesktop.systemd1.Manager", manager_vtable, f) >= 0);
        assert_true(sd_bus_add_fallback_vtable(f->manager, NULL, "/org/freedesktop/systemd1/unit",
                                    "org.freedesktop.systemd1.Unit", unit_vtable, find_object,
                                    f) >= 0);
        assert_true(sd_bus_attach_event(f->manager, f->event, SD_EVENT_PRIORITY_NORMAL) >= 0);
}

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        scratch_open(&f->scratch);
        f->calls = BUFFER_INIT(10000);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(units_new(f->event, &f->units), 0);
        *state = f;
        return 0;
}

static int setup_with_manager(void **state)
{
        (void) setup(state);
        start_bus(*state);
        start_manager(*state);
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        units_free(f->units);
        sd_bus_close_unref(f->manager);
        stop_bus(f);
        sd_event_unref(f->event);
        for (size_t i = 0; i < f->n_later; i++)
                free(f->later[i].path);
        buffer_done(&f->calls);
        scratch_close(&f->scratch);
        free(f);
        return 0;
}

static void on_outcome(bool ok, const char *sentence, void *userdata)
{
        Outcome *o = userdata;

        o->n++;
        o->ok = ok;
        free(o->sentence);
        o->sentence = strdup(sentence);
}

static UnitJob *begin(Fixture *f, const char *unit, Outcome *o)
{
        UnitJob *job;

        assert_int_equal(units_reload(f->units, unit, on_outcome, o, &job), 0);
        assert_int_equal(o->n, 0);
        return job;
}

static void expect(Fixture *f, const char *unit, bool ok, const char *sentence)
{
        Outcome o = {};

        (void) begin(f, unit, &o);
        for (uint64_t end = clock_monotonic_usec() + PATIENCE; o.n == 0;) {
                assert_true(clock_monotonic_usec() < end);
                loop_turn(f->event);
                tell_later(f);
        }
        assert_string_equal(o.sentence, sentence);
        assert_int_equal(o.ok, ok);
        free(o.sentence);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_what_becomes_of_each(void **state)
{
        Fixture *f = *state;

        expect(f, "nginx.service", true, "nginx.service reloaded");
        expect(f, "early.service", true, "early.service restarted");
        expect(f, "broken.service", false,
                        "broken.service could not be reloaded (failed); see journalctl -u "
                        "broken.service");
        expect(f, "stopped.service", true, "stopped.service is not running, left stopped");
        expect(f, "gone.service", true, "gone.service is not running, left stopped");
        expect(f, "fallen.service", true, "fallen.service started (it had failed)");
        expect(f, "absent.service", false, "unit absent.service not found");
        expect(f, "masked.service", false, "unit masked.service is masked");
        expect(f, "odd.service", false,
                        "unit odd.service cannot be loaded (bad-setting); see systemctl status "
                        "odd.service");
        expect(f, "denied.service", false,
                        "denied.service could not be reloaded: Access\\x0adenied");
        expect(f, "nonsense", false, "nonsense cannot be loaded: Unit name is not valid");
        /* One subscription; and no unit was touched that should not be. */
        assert_string_equal(f->calls.data, "Subscribe -\n"
                                           "ReloadOrTryRestartUnit nginx.service\n"
                                           "ReloadOrTryRestartUnit early.service\n"
                                           "ReloadOrTryRestartUnit broken.service\n"
                                           "ReloadOrTryRestartUnit gone.service\n"
                                           "ResetFailedUnit fallen.service\n"
                                           "StartUnit fallen.service\n"
                                           "ReloadOrTryRestartUnit denied.service\n");
}

static void test_side_by_side(void **state)
{
        Fixture *f = *state;
        Outcome all[ELEMENTSOF(fakes)] = {};
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(fakes); i++)
                if (fakes[i].end != TELL_NEVER)
                        (void) begin(f, fakes[i].name, &all[i]);
        while (n < ELEMENTSOF(fakes) - 1) {
                loop_turn(f->event);
                tell_later(f);
                n = 0;
                for (size_t i = 0; i < ELEMENTSOF(fakes); i++)
                        n += all[i].n;
        }
        for (size_t i = 0; i < ELEMENTSOF(fakes); i++) {
                assert_int_equal(all[i].n, fakes[i].end != TELL_NEVER);
                free(all[i].sentence);
        }
}

/* Another's job that ends meanwhile is not ours. */
static void test_foreign_jobs(void **state)
{
        Fixture *f = *state;
        Outcome o = {};

        (void) begin(f, "slow.service", &o);
        loop_until(f->event, f->n_jobs == 1);
        tell_removed(f, "/org/freedesktop/systemd1/job/77", find_unit("broken.service"));
        loop_for(f->event, 100 * USEC_PER_MSEC);
        assert_int_equal(o.n, 0);
        tell_removed(f, "/org/freedesktop/systemd1/job/1", find_unit("nginx.service"));
        loop_until(f->event, o.n == 1);
        assert_true(o.ok);
        free(o.sentence);
}

static void test_time_limit(void **state)
{
        Fixture *f = *state;

        units_set_timeout(f->units, 200 * USEC_PER_MSEC);
        expect(f, "slow.service", false, "slow.service was not done within 200 ms");
        expect(f, "nginx.service", true, "nginx.service reloaded");
}

static void test_cancel(void **state)
{
        Fixture *f = *state;
        Outcome o = {}, other = {};
        UnitJob *job = begin(f, "slow.service", &o);

        unit_job_cancel(job);
        job = begin(f, "slow.service", &o);
        (void) begin(f, "nginx.service", &other);
        loop_until(f->event, f->n_later == 1);
        unit_job_cancel(job);
        tell_later(f);
        loop_until(f->event, other.n == 1);
        tell_removed(f, "/org/freedesktop/systemd1/job/1", find_unit("nginx.service"));
        tell_removed(f, "/org/freedesktop/systemd1/job/2", find_unit("nginx.service"));
        loop_for(f->event, 50 * USEC_PER_MSEC);
        assert_int_equal(o.n, 0);
        free(other.sentence);
}

static void expect_no_systemd(Fixture *f, const char *why)
{
        Outcome o = {};

        (void) begin(f, "nginx.service", &o);
        loop_until(f->event, o.n == 1);
        assert_false(o.ok);
        assert_starts(o.sentence, "Reload=nginx.service needs systemd, which cannot be asked here");
        assert_contains(o.sentence, why);
        assert_contains(o.sentence, "use Run=");
        free(o.sentence);
}

static void test_no_bus(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *address = bus_address(f);

        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
        expect_no_systemd(f, "No such file or directory");
        /* A bus, but nobody there who is systemd. */
        start_bus(f);
        expect_no_systemd(f, "org.freedesktop.systemd1");
        /* And well again. */
        start_manager(f);
        expect(f, "nginx.service", true, "nginx.service reloaded");
}

static void test_bus_goes_away(void **state)
{
        Fixture *f = *state;
        Outcome running = {}, connecting = {};

        (void) begin(f, "slow.service", &running);
        loop_until(f->event, f->n_jobs == 1);
        loop_for(f->event, 50 * USEC_PER_MSEC); /* its name has arrived */
        assert_true(sd_bus_set_exit_on_disconnect(f->manager, 0) >= 0);
        stop_bus(f);
        loop_until(f->event, running.n == 1);
        assert_false(running.ok);
        assert_contains(running.sentence, "needs systemd");
        (void) begin(f, "slow.service", &connecting);
        loop_until(f->event, connecting.n == 1);
        assert_contains(connecting.sentence, "no connection to the system bus");
        free(running.sentence);
        free(connecting.sentence);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                                test_what_becomes_of_each, setup_with_manager, teardown),
                cmocka_unit_test_setup_teardown(test_side_by_side, setup_with_manager, teardown),
                cmocka_unit_test_setup_teardown(test_foreign_jobs, setup_with_manager, teardown),
                cmocka_unit_test_setup_teardown(test_time_limit, setup_with_manager, teardown),
                cmocka_unit_test_setup_teardown(test_cancel, setup_with_manager, teardown),
                cmocka_unit_test_setup_teardown(test_no_bus, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bus_goes_away, setup_with_manager, teardown),
        };

        if (!has_dbus_daemon()) {
                print_message("SKIPPED: dbus-daemon is not installed\n");
                return 77; /* meson: skipped */
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
