// WebDriver over a socket of its own for each request: no library, and nothing to clean up after a
// failed test but the two processes.
#include "browser/webdriver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60  // seconds for an answer of the browser

struct browser {
  pid_t driver;
  int port;
  char session[128];
};

static pid_t running;  // to be ended with this process

static void end_driver(void) {
  if (running > 0) kill(-running, SIGKILL);
  running = 0;
}

void browser_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

bool browser_offline(void) {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  struct ifreq loopback = {.ifr_name = "lo"};
  const int s = socket(AF_INET, SOCK_DGRAM, 0);
  check(s >= 0 && ioctl(s, SIOCGIFFLAGS, &loopback) == 0, "no loopback: %s", strerror(errno));
  loopback.ifr_flags |= IFF_UP;
  check(ioctl(s, SIOCSIFFLAGS, &loopback) == 0, "no loopback: %s", strerror(errno));
  close(s);
  return true;
}

// ------------------------------------------------------------------------------------ HTTP

static void send_all(int s, const char *bytes, size_t n) {
  while (n > 0) {
    const ssize_t sent = send(s, bytes, n, MSG_NOSIGNAL);
    check(sent > 0, "chromedriver: %s", strerror(errno));
    bytes += sent;
    n -= (size_t)sent;
  }
}

// Reads head and body; the caller's, the body after the empty line.
static char *receive_all(int s) {
  size_t n = 0, room = 1 << 16;
  char *text = malloc(room);
  for (;;) {
    check(text, "out of memory");
    const ssize_t got = recv(s, text + n, room - n - 1, 0);
    check(got >= 0, "chromedriver: %s", strerror(errno));
    n += (size_t)got;
    text[n] = 0;
    const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\ncontent-length:");
    if (body && length && length < body &&
        n - (size_t)(body + 4 - text) >= (size_t)atol(length + 16))
      return text;
    check(got > 0, "chromedriver: the answer ends too early");
    if (room - n < 1 << 15) text = realloc(text, room *= 2);
  }
}

// The member "value" of the answer; the caller's. path: after /session/ID
static cJSON *ask(browser *b, const char *method, const char *path, cJSON *body) {
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)b->port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct timeval patience = {.tv_sec = PATIENCE};
  char head[512];
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  check(s >= 0, "no socket: %s", strerror(errno));
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  check(connect(s, (const struct sockaddr *)&address, sizeof address) == 0,
        "chromedriver doesn't answer: %s", strerror(errno));

  char *text = body ? cJSON_PrintUnformatted(body) : NULL;
  snprintf(head, sizeof head,
           "%s /session%s%s%s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n"
           "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
           method, b->session[0] ? "/" : "", b->session, path, b->port, text ? strlen(text) : 0);
  send_all(s, head, strlen(head));
  if (text) send_all(s, text, strlen(text));
  cJSON_Delete(body);
  free(text);

  char *answer = receive_all(s);
  close(s);
  cJSON *json = cJSON_Parse(strstr(answer, "\r\n\r\n") + 4);
  cJSON *value = cJSON_DetachItemFromObject(json, "value");
  const cJSON *error = cJSON_GetObjectItem(value, "error");
  check(value, "%s %s: no value: %.300s", method, path, answer);
  check(!error, "%s %s: %.600s", method, path,
        cJSON_GetStringValue(cJSON_GetObjectItem(value, "message")));
  cJSON_Delete(json);
  free(answer);
  return value;
}

static void tell(browser *b, const char *path, cJSON *body) {
  cJSON_Delete(ask(b, "POST", path, body));
}

// ------------------------------------------------------------------------------------ life

// Starts chromedriver on a free port, which it names in its first lines.
static void start_driver(browser *b) {
  int pipe_to_us[2];
  check(pipe(pipe_to_us) == 0, "no pipe: %s", strerror(errno));
  b->driver = running = fork();
  check(running >= 0, "no process: %s", strerror(errno));
  if (running == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipe_to_us[1], STDOUT_FILENO);
    close(pipe_to_us[0]);
    close(pipe_to_us[1]);
    execlp("chromedriver", "chromedriver", "--port=0", "--log-level=SEVERE", (char *)NULL);
    _exit(127);
  }
  setpgid(running, running);
  close(pipe_to_us[1]);
  FILE *lines = fdopen(pipe_to_us[0], "r");
  check(lines, "no pipe: %s", strerror(errno));
  char line[512];
  const char *port = NULL;
  while (!port && fgets(line, sizeof line, lines))
    port = strstr(line, "successfully on port ");
  if (!port) {
    int status = 0;
    waitpid(running, &status, 0);
    running = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
      puts("no chromedriver here: run tools/setup");
      exit(BROWSER_SKIP);
    }
    browser_fail("chromedriver doesn't start");
  }
  b->port = atoi(port + strlen("successfully on port "));
  // the pipe stays open: chromedriver may write more
}

browser *browser_open(const char *folder, const char *flag) {
  static bool prepared;
  static const char *const flags[] = {
      "--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
      // no graphics card: OpenGL by the processor
      "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
      // no calls home
      "--disable-background-networking", "--disable-component-update", "--no-first-run",
      "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1280,800",
      "--force-device-scale-factor=1"};
  if (!prepared) atexit(end_driver);
  prepared = true;
  browser *b = calloc(1, sizeof *b);
  check(b, "out of memory");
  start_driver(b);

  char profile[4200];
  snprintf(profile, sizeof profile, "--user-data-dir=%s", folder);
  cJSON *body = cJSON_Parse("{\"capabilities\":{\"alwaysMatch\":{\"goog:chromeOptions\":{},"
                            "\"goog:loggingPrefs\":{\"performance\":\"ALL\",\"browser\":\"ALL\"},"
                            "\"timeouts\":{\"script\":50000}}}}");
  cJSON *match = cJSON_GetObjectItem(cJSON_GetObjectItem(body, "capabilities"), "alwaysMatch");
  cJSON *args = cJSON_AddArrayToObject(cJSON_GetObjectItem(match, "goog:chromeOptions"), "args");
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    cJSON_AddItemToArray(args, cJSON_CreateString(flags[i]));
  cJSON_AddItemToArray(args, cJSON_CreateString(profile));
  if (flag) cJSON_AddItemToArray(args, cJSON_CreateString(flag));
  cJSON *value = ask(b, "POST", "", body);
  snprintf(b->session, sizeof b->session, "%s",
           cJSON_GetStringValue(cJSON_GetObjectItem(value, "sessionId")));
  cJSON_Delete(value);
  return b;
}

void browser_close(browser *b) {
  cJSON_Delete(ask(b, "DELETE", "", NULL));
  kill(-b->driver, SIGTERM);
  waitpid(b->driver, NULL, 0);
  running = 0;
  free(b);
}

// ------------------------------------------------------------------------------------ the page

void browser_visit(browser *b, const char *path) {
  char url[4200];
  snprintf(url, sizeof url, "file://%s", path);
  cJSON *body = cJSON_CreateObject();
  cJSON_AddStringToObject(body, "url", url);
  tell(b, "/url", body);
}

static cJSON *execute(browser *b, const char *path, const char *script, const char *first,
                      const char *second) {
  cJSON *body = cJSON_CreateObject();
  cJSON_AddStringToObject(body, "script", script);
  cJSON *args = cJSON_AddArrayToObject(body, "args");
  if (first) cJSON_AddItemToArray(args, cJSON_CreateString(first));
  if (second) cJSON_AddItemToArray(args, cJSON_CreateString(second));
  return ask(b, "POST", path, body);
}

cJSON *browser_run(browser *b, const char *script) {
  return execute(b, "/execute/sync", script, NULL, NULL);
}

cJSON *browser_await(browser *b, const char *script, const char *first, const char *second) {
  return execute(b, "/execute/async", script, first, second);
}

double browser_number(browser *b, const char *script) {
  cJSON *value = browser_run(b, script);
  check(cJSON_IsNumber(value), "%s: not a number", script);
  const double number = value->valuedouble;
  cJSON_Delete(value);
  return number;
}

bool browser_true(browser *b, const char *script) {
  cJSON *value = browser_run(b, script);
  check(cJSON_IsBool(value), "%s: neither true nor false", script);
  const bool truth = cJSON_IsTrue(value);
  cJSON_Delete(value);
  return truth;
}

void browser_wait(browser *b, const char *script) {
  for (int i = 0; i < 600; i++) {
    if (browser_true(b, script)) return;
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  }
  browser_fail("never true: %s", script);
}

// ------------------------------------------------------------------------------------ the user

static cJSON *gestures(const char *type, cJSON **actions) {
  cJSON *body = cJSON_CreateObject();
  cJSON *source = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "actions"), source);
  cJSON_AddStringToObject(source, "type", type);
  cJSON_AddStringToObject(source, "id", type);
  *actions = cJSON_AddArrayToObject(source, "actions");
  return body;
}

void browser_key(browser *b, const char *key) {
  cJSON *actions, *body = gestures("key", &actions);
  for (int up = 0; up < 2; up++) {
    cJSON *action = cJSON_CreateObject();
    cJSON_AddStringToObject(action, "type", up ? "keyUp" : "keyDown");
    cJSON_AddStringToObject(action, "value", key);
    cJSON_AddItemToArray(actions, action);
  }
  tell(b, "/actions", body);
}

static void add_move(cJSON *actions, double x, double y) {
  cJSON *action = cJSON_CreateObject();
  cJSON_AddStringToObject(action, "type", "pointerMove");
  cJSON_AddNumberToObject(action, "duration", 50);
  cJSON_AddNumberToObject(action, "x", (int)x);
  cJSON_AddNumberToObject(action, "y", (int)y);
  cJSON_AddItemToArray(actions, action);
}

static void add_button(cJSON *actions, const char *type) {
  cJSON *action = cJSON_CreateObject();
  cJSON_AddStringToObject(action, "type", type);
  cJSON_AddNumberToObject(action, "button", 0);
  cJSON_AddItemToArray(actions, action);
}

void browser_drag(browser *b, double x0, double y0, double x1, double y1) {
  cJSON *actions, *body = gestures("pointer", &actions);
  add_move(actions, x0, y0);
  add_button(actions, "pointerDown");
  add_move(actions, (x0 + x1) / 2, (y0 + y1) / 2);
  add_move(actions, x1, y1);
  add_button(actions, "pointerUp");
  tell(b, "/actions", body);
}

void browser_click(browser *b, double x, double y) {
  cJSON *actions, *body = gestures("pointer", &actions);
  add_move(actions, x, y);
  add_button(actions, "pointerDown");
  add_button(actions, "pointerUp");
  tell(b, "/actions", body);
}

// ------------------------------------------------------------------------------------ seeing

static void write_png(const char *name, const char *base64) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *folder = getenv("TENDRIL_SCREENSHOTS");
  char path[4200];
  if (!folder || !*folder) return;
  snprintf(path, sizeof path, "%s/%s.png", folder, name);
  FILE *file = fopen(path, "wb");
  check(file, "%s: %s", path, strerror(errno));
  unsigned long group = 0;
  int bits = 0;
  for (; *base64 && *base64 != '='; base64++) {
    group = (group << 6 | (unsigned long)(strchr(digits, *base64) - digits)) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    fputc((int)(group >> bits & 255), file);
  }
  fclose(file);
}

char *browser_screenshot(browser *b, const char *name) {
  cJSON *value = ask(b, "GET", "/screenshot", NULL);
  check(cJSON_IsString(value), "no screenshot");
  write_png(name, value->valuestring);
  char *png = strdup(value->valuestring);
  cJSON_Delete(value);
  return png;
}

void browser_command(browser *b, const char *command, const char *parameters) {
  cJSON *body = cJSON_CreateObject();
  cJSON_AddStringToObject(body, "cmd", command);
  cJSON_AddItemToObject(body, "params", cJSON_Parse(parameters));
  tell(b, "/goog/cdp/execute", body);
}

static cJSON *read_log(browser *b, const char *type) {
  cJSON *body = cJSON_CreateObject();
  cJSON_AddStringToObject(body, "type", type);
  return ask(b, "POST", "/se/log", body);
}

cJSON *browser_requests(browser *b) {
  cJSON *log = read_log(b, "performance"), *urls = cJSON_CreateArray();
  const cJSON *entry;
  cJSON_ArrayForEach(entry, log) {
    cJSON *event = cJSON_Parse(cJSON_GetStringValue(cJSON_GetObjectItem(entry, "message")));
    const cJSON *message = cJSON_GetObjectItem(event, "message");
    const char *method = cJSON_GetStringValue(cJSON_GetObjectItem(message, "method"));
    const cJSON *params = cJSON_GetObjectItem(message, "params");
    const char *page = cJSON_GetStringValue(cJSON_GetObjectItem(params, "documentURL"));
    const char *url =
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(params, "request"), "url"));
    // Chromium's own page of a new tab came first
    if (method && url && page && strncmp(page, "chrome://", 9) != 0 &&
        strcmp(method, "Network.requestWillBeSent") == 0)
      cJSON_AddItemToArray(urls, cJSON_CreateString(url));
    cJSON_Delete(event);
  }
  cJSON_Delete(log);
  return urls;
}

cJSON *browser_errors(browser *b) {
  cJSON *log = read_log(b, "browser"), *errors = cJSON_CreateArray();
  const cJSON *entry;
  cJSON_ArrayForEach(entry, log) {
    const char *level = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "level"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "message"));
    if (level && text && strcmp(level, "SEVERE") == 0)
      cJSON_AddItemToArray(errors, cJSON_CreateString(text));
  }
  cJSON_Delete(log);
  return errors;
}
