// The HTML player in Debian's Chromium, from file://, cut off from every network: it draws, time
// runs and stands still, one can scrub by every means, and nothing is asked for but the file.
// TENDRIL_SCREENSHOTS=FOLDER keeps what was seen.
#include "browser/webdriver.h"
#include "view/html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/tendril.h>
#include <time.h>

static char folder[] = "/tmp/tendril-browser-XXXXXX";

static void require(tendril_status status, const tendril_error *err) {
  check(status == TENDRIL_OK, "%s", err->text);
}

static void sleep_for(double seconds) {
  const double whole = floor(seconds);
  nanosleep(&(struct timespec){(time_t)whole, (long)((seconds - whole) * 1e9)}, NULL);
}

// ------------------------------------------------------------------------------------ episodes

static void record(const tendril_model *model, const char *push_text, const tnd_html_info *info,
                   const char *path) {
  tendril_error err = {{0}};
  tendril_controller *controller;
  tnd_trace *trace;
  tendril_push push;
  require(tendril_controller_create(tendril_agent_random(), model, &controller, &err), &err);
  require(tnd_trace_create(model, tendril_model_max_steps(model), &trace, &err), &err);
  require(tendril_push_parse(push_text, &push, &err), &err);
  require(tnd_trace_play(trace, controller, 1, 0, &push, 1, &err), &err);
  tnd_aside aside;
  require(tnd_aside_begin(&aside, path, &err), &err);
  require(tnd_html_write(trace, info, &aside, &err), &err);
  require(tnd_aside_commit(&aside, &err), &err);
  tnd_trace_destroy(trace);
  tendril_controller_destroy(controller);
}

static void record_swimmer(const char *path) {
  const tnd_html_info info = {.title = "Swimmer </script> & <b>\"friends\"</b>",
                              .caption = "random actions, <seed> 1"};
  tendril_error err = {{0}};
  tendril_tasks *tasks;
  tendril_model *model;
  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/models", 0);
  require(tendril_tasks_create(&tasks, &err), &err);
  require(tendril_tasks_model(tasks, "swimmer-v4", NULL, &model, &err), &err);
  record(model, "20@20,0.4,left", &info, path);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
}

static void stay(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)model, (void)data, (void)state, (void)random;
}
static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)model, (void)state;
  obs[0] = data->qpos[0];
}
static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model, (void)state, (void)action, (void)seconds;
  terms[0] = data->qpos[0];
  return false;
}

static void record_shapes(const char *path) {
  static const tendril_task task = {.name = "shapes",
                                    .summary = "every kind of geom",
                                    .source = "tests",
                                    .mjcf = "shapes.xml",
                                    .physics_steps = 2,
                                    .max_steps = 100,
                                    .nobs = 1,
                                    .nterm = 1,
                                    .terms = {"place"},
                                    .reset = stay,
                                    .observe = observe,
                                    .evaluate = evaluate};
  tendril_error err = {{0}};
  tendril_model *model;
  require(tendril_model_create(&task, TENDRIL_SOURCE_DIR "/tests/data/mjcf/shapes.xml", NULL,
                               &model, &err),
          &err);
  const mjModel *m = tendril_model_mujoco(model);
  for (int i = 0; i < m->hfield_nrow[0]; i++)
    for (int j = 0; j < m->hfield_ncol[0]; j++)
      m->hfield_data[i * m->hfield_ncol[0] + j] = (float)(0.5 + 0.5 * sin(0.6 * i) * cos(0.4 * j));
  record(model, "30@0,0.5", NULL, path);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ pictures

// Asks the page itself, which can read pictures: of the part of the screenshot that shows the
// middle of the scene, how many colours there are (4 bits a channel).
static int colours_in(browser *b, const char *png) {
  cJSON *n = browser_await(
      b,
      "const [png, done] = arguments, image = new Image();"
      "image.onload = () => {"
      "  const box = document.getElementById('view').getBoundingClientRect();"
      "  const c = document.createElement('canvas').getContext('2d');"
      "  const w = c.canvas.width = box.width / 2, h = c.canvas.height = box.height / 2;"
      "  c.drawImage(image, box.left + w / 2, box.top + h / 2, w, h, 0, 0, w, h);"
      "  const seen = new Set(), p = c.getImageData(0, 0, w, h).data;"
      "  for (let i = 0; i < p.length; i += 4)"
      "    seen.add((p[i] >> 4) << 8 | (p[i + 1] >> 4) << 4 | p[i + 2] >> 4);"
      "  done(seen.size);"
      "};"
      "image.src = 'data:image/png;base64,' + png;",
      png, NULL);
  const int colours = (int)cJSON_GetNumberValue(n);
  cJSON_Delete(n);
  return colours;
}

// Pixels of the scene that differ between two screenshots, out of 1e6.
static double difference(browser *b, const char *png, const char *other) {
  cJSON *n = browser_await(
      b,
      "const done = arguments[2], box = document.getElementById('view').getBoundingClientRect();"
      "const load = (png) => new Promise((ready) => {"
      "  const image = new Image();"
      "  image.onload = () => {"
      "    const c = document.createElement('canvas').getContext('2d');"
      "    c.canvas.width = box.width; c.canvas.height = box.height;"
      "    c.drawImage(image, -box.left, -box.top);"
      "    ready(c.getImageData(0, 0, box.width, box.height).data);"
      "  };"
      "  image.src = 'data:image/png;base64,' + png;"
      "});"
      "Promise.all([load(arguments[0]), load(arguments[1])]).then(([p, q]) => {"
      "  let n = 0;"
      "  for (let i = 0; i < p.length; i += 4)"
      "    if (Math.abs(p[i] - q[i]) + Math.abs(p[i + 1] - q[i + 1]) + "
      "        Math.abs(p[i + 2] - q[i + 2]) > 24) n++;"
      "  done(n / (p.length / 4) * 1e6);"
      "});",
      png, other);
  const double share = cJSON_GetNumberValue(n);
  cJSON_Delete(n);
  return share;
}

// Whether the scene has a part that shows a colour: hue in degrees, clearly coloured.
static double share_of_hue(browser *b, const char *png, const char *hue) {
  cJSON *n =
      browser_await(b,
                    "const done = arguments[2], hue = Number(arguments[1]), image = new Image();"
                    "image.onload = () => {"
                    "  const box = document.getElementById('view').getBoundingClientRect();"
                    "  const c = document.createElement('canvas').getContext('2d');"
                    "  c.canvas.width = box.width; c.canvas.height = box.height;"
                    "  c.drawImage(image, -box.left, -box.top);"
                    "  const p = c.getImageData(0, 0, box.width, box.height).data;"
                    "  let n = 0;"
                    "  for (let i = 0; i < p.length; i += 4) {"
                    "    const [r, g, b] = [p[i], p[i + 1], p[i + 2]];"
                    "    const high = Math.max(r, g, b), d = high - Math.min(r, g, b);"
                    "    if (d < 25) continue;"
                    "    const h = 60 * (high === r ? (g - b) / d : high === g ? 2 + (b - r) / d : "
                    "4 + (r - g) / d);"
                    "    if (Math.abs((h - hue + 540) % 360 - 180) < 12) n++;"
                    "  }"
                    "  done(n / (p.length / 4) * 1e6);"
                    "};"
                    "image.src = 'data:image/png;base64,' + arguments[0];",
                    png, hue);
  const double share = cJSON_GetNumberValue(n);
  cJSON_Delete(n);
  return share;
}

// ------------------------------------------------------------------------------------ claims

static int step_of(browser *b) {
  return (int)browser_number(b, "return tendril.step");
}

static void expect_step(browser *b, int step, const char *after) {
  check(step_of(b) == step, "%s: step %d instead of %d", after, step_of(b), step);
  check(!browser_true(b, "return tendril.playing"), "%s: it goes on playing", after);
}

// The picture once it shows the present state.
static char *see(browser *b, const char *name) {
  cJSON_Delete(browser_run(b, "tendril.draw()"));
  return browser_screenshot(b, name);
}

// Where an element is, in parts of its width and at half its height.
static void click_on(browser *b, const char *id, double part) {
  char x[200], y[200];
  snprintf(x, sizeof x,
           "const r = document.getElementById('%s').getBoundingClientRect();"
           "return r.left + %g * r.width",
           id, part);
  snprintf(y, sizeof y,
           "const r = document.getElementById('%s').getBoundingClientRect();"
           "return r.top + r.height / 2",
           id);
  browser_click(b, browser_number(b, x), browser_number(b, y));
}

static void nothing_else_was_asked_for(browser *b, const char *path) {
  cJSON *urls = browser_requests(b), *errors = browser_errors(b);
  const cJSON *url;
  bool file = false;
  cJSON_ArrayForEach(url, urls) {
    const char *text = url->valuestring;
    if (strncmp(text, "file://", 7) == 0 && strcmp(text + 7, path) == 0)
      file = true;
    else
      check(strncmp(text, "data:", 5) == 0, "the page asked for %.200s", text);
  }
  check(file, "no request for the file itself was seen: the log isn't read right");
  check(cJSON_GetArraySize(errors) == 0, "%.400s",
        cJSON_GetStringValue(cJSON_GetArrayItem(errors, 0)));
  cJSON_Delete(urls);
  cJSON_Delete(errors);
}

static void time_runs_and_stands(browser *b) {
  browser_wait(b, "return tendril.playing && tendril.time > 0.3");
  cJSON_Delete(browser_run(b, "window.then = tendril.time"));
  browser_wait(b, "return tendril.time > window.then");

  browser_key(b, " ");
  check(!browser_true(b, "return tendril.playing"), "space doesn't pause");
  const double held = browser_number(b, "return tendril.time");
  char *before = see(b, "paused");
  sleep_for(1);
  char *after = see(b, "paused-later");
  check(browser_number(b, "return tendril.time") == held, "time runs while it is paused");
  check(strcmp(before, after) == 0, "the picture changes while it is paused");
  free(before);
  free(after);

  // a tenth is slower than four times
  double pace[2];  // seconds per second
  for (int i = 0; i < 2; i++) {
    cJSON *value =
        browser_await(b,
                      "const [value, , done] = arguments, speed = document.getElementById('speed');"
                      "speed.value = value;"
                      "speed.dispatchEvent(new Event('change'));"
                      "tendril.seek(0);"
                      "requestAnimationFrame(() => {"
                      "  const begin = performance.now();"
                      "  tendril.play();"
                      "  setTimeout(() => {"
                      "    tendril.pause();"
                      "    done(tendril.time / (performance.now() - begin) * 1000);"
                      "  }, 1500);"
                      "});",
                      i ? "4" : "0.1", "");
    pace[i] = cJSON_GetNumberValue(value);
    cJSON_Delete(value);
  }
  // a machine that draws less than a picture a second loses time; 40 is the ratio of the speeds
  check(pace[0] > 0 && pace[0] <= 0.101 && pace[1] > 5 * pace[0] && pace[1] <= 4.01,
        "%g seconds a second at a tenth; %g at four times", pace[0], pace[1]);
}

static void one_can_scrub(browser *b) {
  char *start, *middle, *again;
  cJSON_Delete(browser_run(b, "tendril.quality = 0"));
  browser_key(b, BROWSER_HOME);
  expect_step(b, 0, "Home");
  start = see(b, "start");
  check(colours_in(b, start) >= 20, "only %d colours where the robot is", colours_in(b, start));
  // the swimmer's front is orange, the rest green
  check(share_of_hue(b, start, "30") > 2000, "the robot's front isn't there");
  check(share_of_hue(b, start, "165") > 2000, "the robot's links aren't there");

  click_on(b, "scrub", 0.5);
  check(abs(step_of(b) - 500) < 20, "the slider's middle is step %d", step_of(b));
  const int there = step_of(b);
  middle = see(b, "middle");
  check(difference(b, start, middle) > 5000, "scrubbing doesn't change the picture");
  browser_key(b, BROWSER_RIGHT);
  expect_step(b, there + 1, "right");
  browser_key(b, BROWSER_LEFT);
  browser_key(b, BROWSER_LEFT);
  expect_step(b, there - 1, "left, left");
  browser_key(b, BROWSER_RIGHT);
  again = see(b, "middle-again");
  // to the bit but for the focus ring around the slider
  check(difference(b, middle, again) < 1, "the same step is another picture");
  free(again);

  click_on(b, "curve", 0.25);
  check(step_of(b) > 100 && step_of(b) < 250, "a quarter of the curve is step %d", step_of(b));
  check(!browser_true(b, "return document.getElementById('ending').hidden === false"),
        "the ending is told too early");
  browser_key(b, BROWSER_END);
  expect_step(b, 1000, "End");
  browser_wait(b, "return !document.getElementById('ending').hidden");
  browser_key(b, " ");
  browser_wait(b, "return tendril.playing && tendril.step < 900");  // from the start again
  browser_key(b, " ");

  // looking around, and back
  browser_key(b, BROWSER_HOME);
  browser_drag(b, 300, 300, 480, 340);
  char *around = see(b, "around");
  check(difference(b, start, around) > 20000, "dragging doesn't turn the view");
  browser_key(b, "r");
  again = see(b, "start-again");
  check(difference(b, start, again) < 1, "the view isn't reset");
  free(around);
  free(again);
  free(start);
  free(middle);
}

static void texts_are_texts(browser *b) {
  check(browser_true(b, "return document.title === 'Swimmer </script> & <b>\"friends\"</b>'"),
        "the title isn't what was given");
  check(browser_true(b, "return document.querySelector('h1').textContent === document.title && "
                        "document.getElementById('caption').textContent === "
                        "'random actions, <seed> 1'"),
        "heading or caption aren't what was given");
}

static void shows_pushes(browser *b) {
  cJSON_Delete(browser_run(b, "tendril.seek(505)"));
  char *pushed = see(b, "pushed");
  check(browser_true(b, "const label = document.querySelector('#labels span');"
                        "return !label.hidden && label.textContent === '20 N'"),
        "the push has no label");
  cJSON_Delete(browser_run(b, "tendril.seek(600)"));
  check(browser_true(b, "tendril.draw(); return document.querySelector('#labels span').hidden"),
        "the push is shown when it is over");
  free(pushed);
}

static void fits_every_screen(browser *b) {
  static const char *const sizes[][2] = {{"phone", "390"}, {"tablet", "820"}, {"wide", "2200"}};
  char parameters[200];
  for (int i = 0; i < 3; i++) {
    snprintf(parameters, sizeof parameters,
             "{\"width\":%s,\"height\":844,\"deviceScaleFactor\":1,\"mobile\":%s}", sizes[i][1],
             i == 0 ? "true" : "false");
    browser_command(b, "Emulation.setDeviceMetricsOverride", parameters);
    sleep_for(0.3);
    free(see(b, sizes[i][0]));
    check(browser_true(b, "return document.documentElement.scrollWidth <= innerWidth"),
          "%s: wider than the screen", sizes[i][0]);
    check(browser_true(b, "const r = document.getElementById('view').getBoundingClientRect();"
                          "return r.width > 300 && r.height > 300"),
          "%s: no room for the robot", sizes[i][0]);
  }
  browser_command(b, "Emulation.clearDeviceMetricsOverride", "{}");

  char *light = see(b, "light");
  browser_command(b, "Emulation.setEmulatedMedia",
                  "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"dark\"}]}");
  sleep_for(0.3);
  char *dark = see(b, "dark");
  check(difference(b, light, dark) > 400000, "a dark screen looks like a light one");
  check(colours_in(b, dark) >= 20, "only %d colours on a dark screen", colours_in(b, dark));
  free(light);
  free(dark);
}

static void every_shape_is_drawn(browser *b, const char *path) {
  // box, capsule, sphere, ellipsoid, cylinder, mesh by its material
  static const char *const hues[] = {"225", "36", "0", "140", "188", "278"};
  browser_visit(b, path);
  cJSON_Delete(browser_run(b, "tendril.quality = 0; tendril.seek(2)"));
  char *all = see(b, "shapes");
  for (size_t i = 0; i < sizeof hues / sizeof hues[0]; i++)
    check(share_of_hue(b, all, hues[i]) > 300, "no shape of hue %s", hues[i]);
  free(all);
  check(browser_true(b, "return document.title === 'shapes'"), "the title isn't the task's name");
}

static void without_webgl_it_says_so(browser *b, const char *path) {
  browser_visit(b, path);
  free(browser_screenshot(b, "no-webgl"));
  check(browser_true(b, "return !tendril.drawn && !document.getElementById('notice').hidden && "
                        "document.getElementById('notice').textContent.includes('WebGL')"),
        "no word about WebGL");
  browser_wait(b, "return tendril.time > 0.1");
}

int main(void) {
  char swimmer[200], shapes[200], profile[200], command[300];
  check(mkdtemp(folder), "cannot make %s", folder);
  snprintf(swimmer, sizeof swimmer, "%s/swimmer.html", folder);
  snprintf(shapes, sizeof shapes, "%s/shapes.html", folder);
  snprintf(profile, sizeof profile, "%s/profile", folder);
  record_swimmer(swimmer);
  record_shapes(shapes);
  puts(browser_offline() ? "no network but the loopback" : "the network can't be cut off here");

  browser *b = browser_open(profile, NULL);
  browser_visit(b, swimmer);
  check(browser_true(b, "return tendril.drawn"), "nothing is drawn");
  texts_are_texts(b);
  time_runs_and_stands(b);
  one_can_scrub(b);
  shows_pushes(b);
  nothing_else_was_asked_for(b, swimmer);
  every_shape_is_drawn(b, shapes);
  nothing_else_was_asked_for(b, shapes);
  browser_visit(b, swimmer);
  cJSON_Delete(browser_run(b, "tendril.quality = 0; tendril.seek(505)"));
  fits_every_screen(b);
  browser_close(b);

  b = browser_open(profile, "--disable-3d-apis");
  without_webgl_it_says_so(b, swimmer);
  browser_close(b);

  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : 1;
}
