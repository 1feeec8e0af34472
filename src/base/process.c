// Other programs over posix_spawn. Their standard input is a socket rather than a pipe: send() can
// be told not to raise SIGPIPE, write() can't. Whoever waits for one of the three streams serves
// the other two meanwhile, so neither side ever waits for the other. A program is over when it has
// ended, not when its streams have: another that it left behind may hold them for ever.
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"

extern char **environ;

enum {
  LAST_WORDS = 4096,
  PIECE = 65536,
  LOOK = 50,  // ms between two looks whether a program has ended whose streams are held
};

struct tnd_process {
  char name[64];
  pid_t pid;
  bool reaped;
  int code;                // of waitpid(), once reaped; -1: somebody else has taken it
  int in, out, err;        // our ends; -1: closed
  tnd_buffer output;       // what came from `out`
  char words[LAST_WORDS];  // the end of what came from `err`
  size_t nword;
};

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

// ------------------------------------------------------------------------------------------ start

// What the program gets as 0, 1 and 2.
typedef struct ends {
  int in, out, err;
} ends;

// A descriptor above the three, so that none of them is overwritten before it was handed on.
static bool lift(int *fd) {
  if (*fd > 2) return true;
  const int high = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
  if (high < 0) return false;
  close(*fd);
  *fd = high;
  return true;
}

static bool open_streams(tnd_process *p, bool input, ends *e) {
  int pair[2];
  if (input) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    p->in = pair[0];
    e->in = pair[1];
  } else {
    e->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (e->in < 0) return false;
  }
  if (pipe2(pair, O_CLOEXEC)) return false;
  p->out = pair[0];
  e->out = pair[1];
  if (pipe2(pair, O_CLOEXEC)) return false;
  p->err = pair[0];
  e->err = pair[1];
  if (!lift(&e->in) || !lift(&e->out) || !lift(&e->err)) return false;
  return fcntl(p->out, F_SETFL, O_NONBLOCK) == 0 && fcntl(p->err, F_SETFL, O_NONBLOCK) == 0;
}

// 0 or an errno.
static int set_actions(posix_spawn_file_actions_t *actions, const ends *e, const int *keep) {
  int code = posix_spawn_file_actions_adddup2(actions, e->in, 0);
  if (!code) code = posix_spawn_file_actions_adddup2(actions, e->out, 1);
  if (!code) code = posix_spawn_file_actions_adddup2(actions, e->err, 2);
  // onto itself: it stays open
  if (!code && keep) code = posix_spawn_file_actions_adddup2(actions, *keep, *keep);
  return code;
}

// A group of its own, no signal blocked, SIGPIPE as it was at the system's start.
static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  int code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF);
  if (!code) code = posix_spawnattr_setpgroup(attributes, 0);
  if (!code) code = posix_spawnattr_setsigmask(attributes, &none);
  if (!code) code = posix_spawnattr_setsigdefault(attributes, &usual);
  return code;
}

static int spawn(tnd_process *p, const tnd_process_spec *spec, const ends *e) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  code = posix_spawnattr_init(&attributes);
  if (!code) {
    code = set_actions(&actions, e, spec->keep);
    if (!code) code = set_attributes(&attributes);
    if (!code)
      // posix_spawnp() promises not to change what it is given
      code = posix_spawnp(&p->pid, spec->path ? spec->path : spec->argv[0], &actions, &attributes,
                          (char *const *)(uintptr_t)spec->argv, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

static tendril_status fail_start(const tnd_process *p, const tnd_process_spec *spec, int code,
                                 tendril_error *err) {
  if (code == ENOENT)
    return tnd_fail(err, TENDRIL_E_SYSTEM, "%s: program not found%s%s", p->name,
                    spec->package ? "; install Debian's package " : "",
                    spec->package ? spec->package : "");
  char text[128];
  return tnd_fail(err, TENDRIL_E_SYSTEM, "%s: not started: %s", p->name,
                  strerror_r(code, text, sizeof text));
}

tendril_status tnd_process_start(const tnd_process_spec *spec, tnd_process **out,
                                 tendril_error *err) {
  tnd_process *p = tnd_alloc(sizeof *p);
  if (!p) return tnd_fail_memory(err);
  const char *slash = strrchr(spec->argv[0], '/');
  snprintf(p->name, sizeof p->name, "%s", slash ? slash + 1 : spec->argv[0]);
  p->in = p->out = p->err = -1;
  p->reaped = true;  // there is none yet
  ends e = {-1, -1, -1};
  int code = open_streams(p, spec->input, &e) ? 0 : errno;
  if (!code) code = spawn(p, spec, &e);
  close_fd(&e.in);
  close_fd(&e.out);
  close_fd(&e.err);
  if (code) {
    const tendril_status status = fail_start(p, spec, code, err);
    tnd_process_abandon(p);
    return status;
  }
  p->reaped = false;
  *out = p;
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------------- streams

// Keeps the last bytes.
static void hear(tnd_process *p, const char *bytes, size_t n) {
  if (n > LAST_WORDS) {
    bytes += n - LAST_WORDS;
    n = LAST_WORDS;
  }
  const size_t stays = p->nword + n > LAST_WORDS ? LAST_WORDS - n : p->nword;
  memmove(p->words, p->words + (p->nword - stays), stays);
  memcpy(p->words + stays, bytes, n);
  p->nword = stays + n;
}

// What has come from *fd by now, which is closed at its end; not what comes meanwhile.
static void drain(tnd_process *p, int *fd) {
  char bytes[PIECE];
  int waiting = 0;
  if (*fd >= 0 && ioctl(*fd, FIONREAD, &waiting)) waiting = 0;
  while (*fd >= 0) {
    const ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0) {
      if (fd == &p->out)
        tnd_buffer_add(&p->output, bytes, (size_t)n);
      else
        hear(p, bytes, (size_t)n);
      waiting -= (int)n;
      if (waiting <= 0) return;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      close_fd(fd);
    } else if (errno == EAGAIN) {
      return;
    }
  }
}

// Waits a moment until something can be read, or written if `writing`, and reads what there is.
static void serve(tnd_process *p, bool writing) {
  struct pollfd fds[3] = {{.fd = p->out, .events = POLLIN},
                          {.fd = p->err, .events = POLLIN},
                          {.fd = writing ? p->in : -1, .events = POLLOUT}};
  if (poll(fds, 3, LOOK) < 0) return;  // interrupted; the caller asks again
  drain(p, &p->out);
  drain(p, &p->err);
}

static void reap(tnd_process *p, bool wait) {
  while (!p->reaped) {
    const pid_t got = waitpid(p->pid, &p->code, wait ? 0 : WNOHANG);
    if (got == p->pid) {
      p->reaped = true;
    } else if (got < 0 && errno != EINTR) {
      // a host program that ignores SIGCHLD
      p->reaped = true;
      p->code = -1;
    } else if (got == 0) {
      return;
    }
  }
}

// "gnuplot: LINE", the last line that says something; `otherwise` if there is none.
static tendril_status fail_words(const tnd_process *p, const char *otherwise, tendril_error *err) {
  size_t end = p->nword;
  while (end > 0 && (unsigned char)p->words[end - 1] <= ' ')
    end--;
  size_t start = end;
  while (start > 0 && p->words[start - 1] != '\n' && p->words[start - 1] != '\r')
    start--;
  while (start < end && (unsigned char)p->words[start] <= ' ')
    start++;
  char line[300];
  const size_t n = end - start < sizeof line - 1 ? end - start : sizeof line - 1;
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)p->words[start + i];
    line[i] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
  }
  line[n] = '\0';
  return tnd_fail(err, TENDRIL_E_SYSTEM, "%s: %s", p->name, n ? line : otherwise);
}

tendril_status tnd_process_write(tnd_process *process, const void *bytes, size_t n,
                                 tendril_error *err) {
  const char *next = bytes;
  while (n > 0) {
    const ssize_t sent =
        process->in < 0 ? -1 : send(process->in, next, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      next += sent;
      n -= (size_t)sent;
    } else if (process->in >= 0 && !process->reaped && (errno == EAGAIN || errno == EINTR)) {
      serve(process, true);
      reap(process, false);
    } else {
      // why it left
      close_fd(&process->in);
      if (tnd_process_ended(process)) drain(process, &process->err);
      return fail_words(process, "ended before it had all its input", err);
    }
  }
  return TENDRIL_OK;
}

void tnd_process_end_input(tnd_process *process) {
  close_fd(&process->in);
}

// -------------------------------------------------------------------------------------------- end

bool tnd_process_ended(tnd_process *process) {
  drain(process, &process->out);
  drain(process, &process->err);
  reap(process, false);
  return process->reaped;
}

void tnd_process_signal(tnd_process *process, int number) {
  if (!process->reaped) kill(process->pid, number);
}

static tendril_status judge(const tnd_process *p, tendril_error *err) {
  char otherwise[64];
  if (p->code == -1) return fail_words(p, "ended, its exit status is lost", err);
  if (WIFEXITED(p->code) && WEXITSTATUS(p->code) == 0) return TENDRIL_OK;
  if (WIFSIGNALED(p->code))
    snprintf(otherwise, sizeof otherwise, "ended by signal %d", WTERMSIG(p->code));
  else
    snprintf(otherwise, sizeof otherwise, "ended with status %d", WEXITSTATUS(p->code));
  return fail_words(p, otherwise, err);
}

static void release(tnd_process *p) {
  close_fd(&p->in);
  close_fd(&p->out);
  close_fd(&p->err);
  tnd_buffer_free(&p->output);
  tnd_free(p);
}

tendril_status tnd_process_finish(tnd_process *process, char **out, size_t *n, tendril_error *err) {
  close_fd(&process->in);
  while (!process->reaped && (process->out >= 0 || process->err >= 0)) {
    serve(process, false);
    reap(process, false);
  }
  reap(process, true);
  // its last bytes were in the streams when it ended
  drain(process, &process->out);
  drain(process, &process->err);
  tendril_status status = judge(process, err);
  if (status == TENDRIL_OK && out) status = tnd_buffer_take(&process->output, out, n, err);
  release(process);
  return status;
}

void tnd_process_abandon(tnd_process *process) {
  if (!process) return;
  tnd_process_signal(process, SIGKILL);
  reap(process, true);
  release(process);
}
