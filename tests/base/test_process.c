// Other programs: what goes in and comes out, how they end, and how that is told.
#include "base/process.h"

#include "base/alloc.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// A shell with a script, fed or not.
static tnd_process *start_shell(const char *script, bool input) {
  const char *const argv[] = {"sh", "-c", script, NULL};
  const tnd_process_spec spec = {.argv = argv, .input = input};
  tnd_process *process = NULL;
  check_ok(tnd_process_start(&spec, &process, check_err));
  return process;
}

static void check_fails(tendril_status status, const tendril_error *err, const char *text) {
  cr_assert_eq(status, TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err->text, text);
}

static bool process_is_there(pid_t pid) {
  return kill(pid, 0) == 0;
}

Test(process, gives_back_what_went_in_however_much_it_is) {
  // more than all the buffers between the two hold: cat writes while it is being fed
  const size_t n = (size_t)5 << 20;
  char *bytes = malloc(n), *out = NULL;
  size_t got = 0;
  for (size_t i = 0; i < n; i++)
    bytes[i] = (char)(i * i >> 7);
  tnd_process *process = start_shell("cat; echo talks >&2", true);
  check_ok(tnd_process_write(process, bytes, n / 3, check_err));
  check_ok(tnd_process_write(process, bytes + n / 3, n - n / 3, check_err));
  check_ok(tnd_process_finish(process, &out, &got, check_err));
  cr_assert_eq(got, n);
  cr_assert(memcmp(out, bytes, n) == 0);
  tnd_free(out);
  free(bytes);
}

Test(process, that_is_not_fed_reads_nothing) {
  char *out = NULL;
  size_t n = 0;
  check_ok(tnd_process_finish(start_shell("wc -c", false), &out, &n, check_err));
  cr_assert_str_eq(out, "0\n");
  tnd_free(out);
}

Test(process, gets_its_arguments_as_they_are) {
  const char *const argv[] = {"printf", "%s|", "a b", "$HOME", "'\"", "", "\n", NULL};
  tnd_process *process = NULL;
  char *out = NULL;
  check_ok(tnd_process_start(&(tnd_process_spec){.argv = argv}, &process, check_err));
  check_ok(tnd_process_finish(process, &out, NULL, check_err));
  cr_assert_str_eq(out, "a b|$HOME|'\"||\n|");
  tnd_free(out);
}

Test(process, may_be_called_by_another_name) {
  const char *const argv[] = {"other", "-c", "echo \"$0\"; exit 3", NULL};
  tnd_process *process = NULL;
  tendril_error err = {{0}};
  const tnd_process_spec spec = {.argv = argv, .path = "/bin/sh"};
  check_ok(tnd_process_start(&spec, &process, check_err));
  check_fails(tnd_process_finish(process, NULL, NULL, &err), &err, "other: ended with status 3");
}

Test(process, that_is_missing_is_named_with_its_package) {
  const char *const argv[] = {"no-such-program-at-all", NULL};
  tnd_process *process = NULL;
  tendril_error err = {{0}};
  tnd_process_spec spec = {.argv = argv, .package = "gnuplot-nox", .input = true};
  check_fails(tnd_process_start(&spec, &process, &err), &err,
              "no-such-program-at-all: program not found; install Debian's package gnuplot-nox");
  spec.package = NULL;
  check_fails(tnd_process_start(&spec, &process, &err), &err,
              "no-such-program-at-all: program not found");
  cr_assert_null(process);
  const char *const folder[] = {"/tmp", NULL};
  spec.argv = folder;
  check_fails(tnd_process_start(&spec, &process, &err), &err,
              "tmp: not started: Permission denied");
}

Test(process, that_fails_is_told_by_its_last_words) {
  tendril_error err = {{0}};
  check_fails(
      tnd_process_finish(
          start_shell("echo first >&2; printf '  no such\\tfile\\n\\n  \\n' >&2; exit 3", false),
          NULL, NULL, &err),
      &err, "sh: no such file");
  check_fails(tnd_process_finish(start_shell("exit 3", false), NULL, NULL, &err), &err,
              "sh: ended with status 3");
  check_fails(tnd_process_finish(start_shell("kill -9 $$", false), NULL, NULL, &err), &err,
              "sh: ended by signal 9");
  // megabytes of complaints, of which the last counts
  check_fails(tnd_process_finish(
                  start_shell("yes complaint | head -c 3000000 >&2; echo last >&2; exit 1", false),
                  NULL, NULL, &err),
              &err, "sh: last");
}

Test(process, that_leaves_early_is_an_error_and_no_sigpipe) {
  // the default action of SIGPIPE would end this test
  tendril_error err = {{0}};
  static char bytes[1 << 20];
  tnd_process *process = start_shell("echo enough >&2; exit 2", true);
  tendril_status status = TENDRIL_OK;
  for (int i = 0; i < 100 && status == TENDRIL_OK; i++)
    status = tnd_process_write(process, bytes, sizeof bytes, &err);
  check_fails(status, &err, "sh: enough");
  // and again, now that its input is closed
  check_fails(tnd_process_write(process, bytes, 1, &err), &err, "sh: enough");
  tnd_process_abandon(process);
}

Test(process, that_closes_its_input_and_succeeds_has_succeeded) {
  static char bytes[1 << 20];
  tendril_error err = {{0}};
  tnd_process *process = start_shell("exec <&-; sleep 0.2", true);
  tendril_status status = TENDRIL_OK;
  for (int i = 0; i < 100 && status == TENDRIL_OK; i++)
    status = tnd_process_write(process, bytes, sizeof bytes, &err);
  check_fails(status, &err, "sh: ended before it had all its input");
  check_ok(tnd_process_finish(process, NULL, NULL, check_err));
}

Test(process, has_ended_though_it_left_another_behind_with_its_streams, .timeout = 20) {
  // the second writes for ever, until the streams are closed
  static const char *const left[] = {"sleep 30 & pid=$!;", "yes & yes >&2 & sleep 0.1;"};
  tendril_error err = {{0}};
  for (int i = 0; i < 2; i++) {
    char script[200], *out = NULL;
    size_t n = 0;
    snprintf(script, sizeof script, "%s head -c 300000 /dev/zero; echo $pid", left[i]);
    check_ok(tnd_process_finish(start_shell(script, false), &out, &n, check_err));
    cr_assert_geq(n, 300000, "all that it wrote itself");
    if (i == 0) cr_assert_eq(kill(atoi(out + 300000), SIGKILL), 0);
    tnd_free(out);
    snprintf(script, sizeof script, "sleep 30 <&0 & echo $! >&2; exit %d", 2 + i);
    tnd_process *process = start_shell(script, true);
    if (i == 0) {
      // more than the stream takes, and nobody reads it
      static char bytes[1 << 22];
      const tendril_status status = tnd_process_write(process, bytes, sizeof bytes, &err);
      cr_assert_eq(status, TENDRIL_E_SYSTEM);
      tnd_process_abandon(process);
    } else {
      cr_assert_eq(tnd_process_finish(process, NULL, NULL, &err), TENDRIL_E_SYSTEM);
    }
    // "sh: PID"
    cr_assert_eq(kill(atoi(err.text + 4), SIGKILL), 0, "%s", err.text);
  }
}

Test(process, is_killed_when_it_is_abandoned) {
  char *folder = support_tmpdir();
  char script[512], *text;
  const char *path = support_path(folder, "pid");
  snprintf(script, sizeof script, "echo $$ >%s.part; mv %s.part %s; exec sleep 1000", path, path,
           path);
  tnd_process *process = start_shell(script, true);
  while (access(path, F_OK))
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  cr_assert_not(tnd_process_ended(process));
  text = support_read_file(path, NULL);
  const pid_t pid = atoi(text);
  cr_assert(process_is_there(pid));
  tnd_process_abandon(process);
  cr_assert_not(process_is_there(pid));
  tnd_process_abandon(NULL);
  free(text);
  support_tmpdir_remove(folder);
}

Test(process, hears_signals_and_only_those_meant_for_it) {
  // one to the group of this test, as the terminal's Ctrl-C
  tendril_error err = {{0}};
  signal(SIGINT, SIG_IGN);
  tnd_process *other = start_shell("trap - INT; sleep 0.5; echo survived", false);
  cr_assert_eq(kill(0, SIGINT), 0);
  char *out = NULL;
  check_ok(tnd_process_finish(other, &out, NULL, check_err));
  cr_assert_str_eq(out, "survived\n");
  tnd_free(out);

  tnd_process *process = start_shell("trap 'echo heard >&2; exit 7' TERM; echo ready >&2;"
                                     "while :; do sleep 0.01; done",
                                     false);
  nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
  tnd_process_signal(process, SIGTERM);
  while (!tnd_process_ended(process))
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  tnd_process_signal(process, SIGTERM);  // to nobody
  check_fails(tnd_process_finish(process, NULL, NULL, &err), &err, "sh: heard");
}

Test(process, inherits_what_it_shall_keep_and_not_the_rest) {
  const int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  cr_assert(kept > 2 && other > kept);
  char script[128];
  snprintf(script, sizeof script, "test -e /proc/$$/fd/%d && ! test -e /proc/$$/fd/%d", kept,
           other);
  const char *const argv[] = {"sh", "-c", script, NULL};
  tnd_process *process = NULL;
  check_ok(
      tnd_process_start(&(tnd_process_spec){.argv = argv, .keep = &kept}, &process, check_err));
  check_ok(tnd_process_finish(process, NULL, NULL, check_err));
  close(kept);
  close(other);
}

Test(process, starts_without_standard_streams) {
  // the descriptors 0, 1, 2 are free: they must not get into one another's way
  const int saved = fcntl(2, F_DUPFD_CLOEXEC, 10);
  close(0);
  close(1);
  close(2);
  char *out = NULL;
  size_t n = 0;
  tnd_process *process = start_shell("cat; echo x >&2", true);
  tendril_status status = tnd_process_write(process, "abc", 3, check_err);
  if (status == TENDRIL_OK) status = tnd_process_finish(process, &out, &n, check_err);
  dup2(saved, 0);
  dup2(saved, 1);
  dup2(saved, 2);
  check_ok(status);
  cr_assert_str_eq(out, "abc");
  tnd_free(out);
}

static tendril_status echo_once(void *context, tendril_error *err) {
  (void)context;
  const char *const argv[] = {"cat", NULL};
  tnd_process *process = NULL;
  char *out = NULL;
  TENDRIL_TRY(tnd_process_start(&(tnd_process_spec){.argv = argv, .input = true}, &process, err));
  tendril_status status = tnd_process_write(process, "abc", 3, err);
  if (status == TENDRIL_OK)
    status = tnd_process_finish(process, &out, NULL, err);
  else
    tnd_process_abandon(process);
  tnd_free(out);
  return status;
}

Test(process, without_memory_fails_cleanly) {
  cr_assert_geq(support_fail_each_alloc(echo_once, NULL), 2);
}
