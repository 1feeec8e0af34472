// A headless Chromium for tests, led by chromedriver over WebDriver (W3C): HTTP with JSON on the
// loopback. What goes wrong ends the test with a line that says so.
#ifndef BROWSER_WEBDRIVER_H
#define BROWSER_WEBDRIVER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <tendril/base.h>

#define BROWSER_SKIP 77  // exit status of a test whose needs aren't here

typedef struct browser browser;

// Cuts this process and its children off from every network but the loopback; false where the
// system doesn't allow it. Before the first browser.
bool browser_offline(void);

// folder: for its profile. flag: one more of Chromium's, or NULL. Ends the test as skipped if there
// is no chromedriver.
browser *browser_open(const char *folder, const char *flag);
void browser_close(browser *b);

void browser_visit(browser *b, const char *path);  // a file
// What the function body `script` returns; the caller's. arguments[0] and [1] are the texts, NULL:
// none. browser_await(): the script calls its last argument when it is done.
cJSON *browser_run(browser *b, const char *script);
cJSON *browser_await(browser *b, const char *script, const char *first, const char *second);
double browser_number(browser *b, const char *script);
bool browser_true(browser *b, const char *script);
void browser_wait(browser *b, const char *script);  // until it is true, for a minute

// As a user does it. A key is one of WebDriver's in UTF-8; places are CSS pixels of the page.
void browser_key(browser *b, const char *key);
void browser_click(browser *b, double x, double y);
void browser_drag(browser *b, double x0, double y0, double x1, double y1);
#define BROWSER_END "\xee\x80\x90"
#define BROWSER_HOME "\xee\x80\x91"
#define BROWSER_LEFT "\xee\x80\x92"
#define BROWSER_RIGHT "\xee\x80\x94"

// The window as it is seen, a PNG in base64; the caller's. Also written to the folder
// $TENDRIL_SCREENSHOTS, if that is set.
char *browser_screenshot(browser *b, const char *name);
// A command of Chromium's own protocol with parameters in JSON.
void browser_command(browser *b, const char *command, const char *parameters);
// The URLs that were asked for, and the errors that the page caused, since the last call: a list of
// texts, the caller's.
cJSON *browser_requests(browser *b);
cJSON *browser_errors(browser *b);

TENDRIL_FORMAT(1, 2) _Noreturn void browser_fail(const char *format, ...);
#define check(condition, ...)                                                                      \
  do {                                                                                             \
    if (!(condition)) browser_fail(__VA_ARGS__);                                                   \
  } while (0)

#endif
