// The HTML file of an episode: one file, small, with what was played in it and nothing that a text
// of the user could break. What it looks like is tests/browser's to see.
#include "base/alloc.h"
#include "support/scarce.h"
#include "support/sim.h"
#include "support/tmpdir.h"
#include "view/html.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// ------------------------------------------------------------------------------------ helpers

static tnd_trace *play(const tendril_model *model, int capacity, const char *push_text) {
  tendril_controller *controller = NULL;
  tnd_trace *trace = NULL;
  tendril_push push;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_controller_create(tendril_agent_random(), model, &controller, &err),
               TENDRIL_OK);
  cr_assert_eq(tnd_trace_create(model, capacity, &trace, &err), TENDRIL_OK);
  if (push_text) cr_assert_eq(tendril_push_parse(push_text, &push, &err), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(trace, controller, 1, 0, &push, push_text != NULL, &err), TENDRIL_OK,
               "%s", err.text);
  tendril_controller_destroy(controller);
  return trace;
}

// Into a file of its own.
static tendril_status write_html(const tnd_trace *trace, const tnd_html_info *info,
                                 const char *path, tendril_error *err) {
  tnd_aside aside;
  TENDRIL_TRY(tnd_aside_begin(&aside, path, err));
  tendril_status status = tnd_html_write(trace, info, &aside, err);
  if (status == TENDRIL_OK) status = tnd_aside_commit(&aside, err);
  tnd_aside_abandon(&aside);
  return status;
}

// The file's text; the caller's, free().
static char *written(const tnd_trace *trace, const tnd_html_info *info, size_t *size) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "episode.html");
  tendril_error err = {{0}};
  cr_assert_eq(write_html(trace, info, path, &err), TENDRIL_OK, "%s", err.text);
  char *text = support_read_file(path, size);
  support_tmpdir_remove(folder);
  return text;
}

// The data in it; the caller's, cJSON_Delete().
static cJSON *data_of(const char *html) {
  static const char begin[] = "<script id=\"episode\" type=\"application/json\">";
  const char *text = strstr(html, begin);
  cr_assert_not_null(text);
  text += strlen(begin);
  const char *end = strstr(text, "</script>");
  cr_assert_not_null(end);
  cJSON *data = cJSON_ParseWithLength(text, (size_t)(end - text));
  cr_assert_not_null(data, "what is in it is not JSON");
  return data;
}

static double number(const cJSON *data, const char *name) {
  const cJSON *item = cJSON_GetObjectItem(data, name);
  cr_assert(cJSON_IsNumber(item), "%s", name);
  return item->valuedouble;
}

static int count(const cJSON *data, const char *name) {
  return cJSON_GetArraySize(cJSON_GetObjectItem(data, name));
}

// Decodes base64 the slow way; the caller's, free(). *n bytes.
static unsigned char *bytes_of(const cJSON *data, const char *name, size_t *n) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(data, name));
  cr_assert_not_null(text, "%s", name);
  unsigned char *bytes = malloc(strlen(text) + 1);
  unsigned bits = 0, have = 0;
  *n = 0;
  cr_assert_eq(strlen(text) % 4, 0, "%s", name);
  for (; *text && *text != '='; text++) {
    const char *digit = strchr(digits, *text);
    cr_assert_not_null(digit, "%s: %c", name, *text);
    bits = bits << 6 | (unsigned)(digit - digits);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes[(*n)++] = (unsigned char)(bits >> have);
  }
  return bytes;
}

static size_t occurrences(const char *text, const char *what) {
  size_t n = 0;
  for (; (text = strstr(text, what)); text += strlen(what))
    n++;
  return n;
}

// ------------------------------------------------------------------------------------ claims

Test(html, is_under_3_MB_for_1000_steps) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  tnd_trace *trace = play(model, 1000, NULL);
  size_t size;
  char *html = written(trace, NULL, &size);
  cr_assert_lt(size, 3 << 20);
  cJSON *data = data_of(html);
  cr_assert_eq(number(data, "last"), 1000);
  cr_assert_eq(number(data, "frames"), 1001, "every step of 40 ms has its pose");
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, is_one_whole_page_with_nothing_from_elsewhere) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = play(model, 1000, NULL);
  size_t size;
  char *html = written(trace, NULL, &size);
  cr_assert_eq(strlen(html), size, "no zero byte in it");
  cr_assert_eq(strncmp(html, "<!DOCTYPE html>\n", 16), 0);
  cr_assert_str_eq(html + size - 8, "</html>\n");
  cr_assert_eq(occurrences(html, "<script"), 3);
  cr_assert_eq(occurrences(html, "</script>"), 3);
  cr_assert_null(strstr(html, "{{"), "an open place");
  cr_assert_not_null(strstr(html, "default-src 'none'"));
  cr_assert_null(strstr(html, "src=\""));
  cr_assert_eq(occurrences(html, "href="), 1);
  cr_assert_not_null(strstr(html, "href=\"data:"));
  cr_assert_null(strstr(html, "url("));
  cr_assert_null(strstr(html, "NaN,"), "a number that isn't one");
  // three.js is under a licence that has to come with it
  cr_assert_not_null(strstr(html, "three.js authors"));
  cr_assert_not_null(strstr(html, "Permission is hereby granted, free of charge"));
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, holds_the_poses_and_rewards_that_were_played) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  const mjModel *m = tendril_model_mujoco(model);
  tnd_trace *trace = play(model, 300, NULL);  // a ring: the last 300 steps
  char *html = written(trace, NULL, NULL);
  cJSON *data = data_of(html);
  cr_assert_eq(number(data, "first"), 700);
  cr_assert_eq(number(data, "last"), 1000);
  cr_assert_str_eq(cJSON_GetObjectItem(data, "ending")->valuestring, "truncated");
  cr_assert_float_eq(number(data, "return_before"), tnd_trace_return(trace, 700), 1e-5);
  const int tracks = (int)number(data, "tracks");
  cr_assert_eq(tracks, 3);

  size_t n;
  float *rewards = (void *)bytes_of(data, "rewards", &n);
  cr_assert_eq(n, 300 * sizeof(float));
  for (int t = 700; t < 1000; t++)
    cr_assert_eq(rewards[t - 700], (float)tnd_trace_step(trace, t)->reward);
  float *terms = (void *)bytes_of(data, "rewards_by_term", &n);
  cr_assert_eq(n, 2 * 300 * sizeof(float));
  cr_assert_eq(terms[2 * 17 + 1], (float)tnd_trace_step(trace, 717)->terms[1]);

  // poses by MuJoCo itself
  float *positions = (void *)bytes_of(data, "positions", &n);
  cr_assert_eq(n, 301 * 3 * 3 * sizeof(float));
  int16_t *turns = (void *)bytes_of(data, "turns", &n);
  cr_assert_eq(n, 301 * 3 * 4 * sizeof(int16_t));
  tendril_env *env = support_env(model, 0, NULL);
  const mjData *d = tendril_env_data(env);
  for (int t = 700; t <= 1000; t += 50) {
    tendril_env_restore(env, tnd_trace_snapshot(trace, t), NULL);
    mj_kinematics(m, tendril_env_data(env));
    for (int body = 1; body < 4; body++) {
      const int at = (t - 700) * 3 + body - 1;
      for (int i = 0; i < 3; i++)
        cr_assert_eq(positions[3 * at + i], (float)d->xpos[3 * body + i]);
      // half of the last of 32767 parts
      for (int i = 0; i < 4; i++)
        cr_assert_float_eq(turns[4 * at + i] / 32767.0, d->xquat[4 * body + i], 0.51 / 32767);
    }
  }
  tendril_env_destroy(env);
  free(rewards);
  free(terms);
  free(positions);
  free(turns);
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, holds_a_push_once_with_its_time) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  tnd_trace *trace = play(model, 1000, "30@2,0.2,left,mid");
  char *html = written(trace, NULL, NULL);
  cJSON *data = data_of(html);
  cr_assert_eq(count(data, "pushes"), 1);
  const cJSON *push = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "pushes"), 0);
  cr_assert_eq(number(push, "body"), 2);
  cr_assert_float_eq(number(push, "begin"), 2, 1e-9);
  cr_assert_float_eq(number(push, "end"), 2.2, 1e-9);
  cr_assert_eq(cJSON_GetArrayItem(cJSON_GetObjectItem(push, "force"), 1)->valuedouble, 30);
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);

  // one that the episode didn't live to see is not in it
  trace = play(model, 1000, "30@50");
  html = written(trace, NULL, NULL);
  data = data_of(html);
  cr_assert_eq(count(data, "pushes"), 0);
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

static const tendril_task *shapes_task(void) {
  static tendril_task task;
  task = support_toy;
  task.max_steps = 50;
  return &task;
}

Test(html, draws_every_kind_of_geom_but_hidden_ones) {
  static const char *const shapes[] = {"plane",     "field",    "sphere", "capsule",
                                       "ellipsoid", "cylinder", "box",    "mesh"};
  tendril_model *model = NULL;
  cr_assert_eq(tendril_model_create(shapes_task(), support_mjcf("shapes.xml"), NULL, &model, NULL),
               TENDRIL_OK);
  const mjModel *m = tendril_model_mujoco(model);
  tnd_trace *trace = play(model, 50, NULL);
  char *html = written(trace, NULL, NULL);
  cJSON *data = data_of(html);
  const cJSON *geoms = cJSON_GetObjectItem(data, "geoms"), *geom;
  cr_assert_eq(cJSON_GetArraySize(geoms), m->ngeom - 2, "group 3, and without opacity");
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    int n = 0;
    cJSON_ArrayForEach(geom, geoms) {
      n += strcmp(cJSON_GetObjectItem(geom, "shape")->valuestring, shapes[i]) == 0;
    }
    cr_assert_gt(n, 0, "%s", shapes[i]);
  }
  // 5 robots and objects of two bodies at most, and the mocap body: all have joints but it
  cr_assert_eq(number(data, "tracks"), m->nbody - 1);

  size_t n;
  const cJSON *mesh = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "meshes"), 0);
  unsigned char *faces = bytes_of(mesh, "faces", &n);
  cr_assert_eq(n, (size_t)m->mesh_facenum[0] * 3 * sizeof(int));
  cr_assert_eq(memcmp(faces, m->mesh_face, n), 0);
  free(faces);
  const cJSON *field = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "fields"), 0);
  unsigned char *heights = bytes_of(field, "heights", &n);
  cr_assert_eq(n, 30 * 40 * sizeof(float));
  free(heights);
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

// A ball on a hinge with a name, in steps of 2 ms.
static tendril_model *ball(const tendril_task *task, const char *name) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "ball.xml");
  char xml[400];
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  const int n = snprintf(xml, sizeof xml,
                         "<mujoco><worldbody><body name='%s'><joint name='j'/><geom size='1'/>"
                         "</body></worldbody><actuator><motor joint='j'/></actuator></mujoco>",
                         name);
  support_write_file(path, xml, (size_t)n);
  cr_assert_eq(tendril_model_create(task, path, NULL, &model, &err), TENDRIL_OK, "%s", err.text);
  support_tmpdir_remove(folder);
  return model;
}

Test(html, keeps_125_poses_a_second_of_faster_steps) {
  tendril_task task = support_toy;
  task.max_steps = 101;
  tendril_model *model = ball(&task, "ball");
  tnd_trace *trace = play(model, 101, NULL);
  char *html = written(trace, NULL, NULL);
  cJSON *data = data_of(html);
  size_t n;
  cr_assert_eq(number(data, "every"), 4);
  cr_assert_eq(number(data, "frames"), 27, "those of the steps 0, 4, ... 100 and 101");
  float *rewards = (void *)bytes_of(data, "rewards", &n);
  cr_assert_eq(n, 101 * sizeof(float), "of rewards all are kept");
  free(rewards);
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, no_text_breaks_the_page) {
  static const char *const nasty[] = {
      "a < b && \"c\" > 'd'",    "</script><script>alert(1)</script>",
      "<!-- <script>",           "{{episode}} {{caption}} {{title}}",
      "\xff\xfe not UTF-8 \xc3", "line\nbreak\tand \x01",
      "Läufer №1 → 走る",        ""};
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  tnd_trace *trace = play(model, 1000, NULL);
  for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
    const tnd_html_info info = {.title = nasty[i], .caption = nasty[i]};
    char *html = written(trace, &info, NULL);
    cr_assert_eq(occurrences(html, "<script"), 3, "%s", nasty[i]);
    cr_assert_eq(occurrences(html, "</script>"), 3, "%s", nasty[i]);
    cr_assert_eq(occurrences(html, "<!--"), 1, "%s", nasty[i]);
    cJSON_Delete(data_of(html));
    free(html);
  }
  const tnd_html_info info = {.title = nasty[0]};
  char *html = written(trace, &info, NULL);
  cr_assert_not_null(strstr(html, "<title>a &lt; b &amp;&amp; &quot;c&quot; &gt; 'd'</title>"));
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, names_from_a_model_break_nothing) {
  tendril_task task = support_toy;
  task.name = "</script>";
  task.terms[0] = "<!--\\";
  task.max_steps = 3;
  tendril_model *model = ball(&task, "&lt;/script&gt;&lt;!--&quot;");
  tnd_trace *trace = play(model, 3, NULL);
  char *html = written(trace, NULL, NULL);
  cr_assert_eq(occurrences(html, "</script>"), 3);
  cr_assert_eq(occurrences(html, "<!--"), 1);
  cJSON *data = data_of(html);
  const cJSON *body = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "bodies"), 1);
  cr_assert_str_eq(cJSON_GetObjectItem(body, "name")->valuestring, "</script><!--\"");
  cr_assert_str_eq(cJSON_GetObjectItem(data, "task")->valuestring, "</script>");
  cJSON_Delete(data);
  free(html);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, an_episode_that_hardly_began_is_one_too) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = NULL;
  tendril_env *env = support_env(model, 1, NULL);
  cr_assert_eq(tnd_trace_create(model, 10, &trace, NULL), TENDRIL_OK);
  tnd_trace_begin(trace, env);
  char *html = written(trace, NULL, NULL);
  cJSON *data = data_of(html);
  cr_assert_eq(number(data, "frames"), 1);
  cr_assert_str_eq(cJSON_GetObjectItem(data, "ending")->valuestring, "");
  cr_assert_str_eq(cJSON_GetObjectItem(data, "rewards")->valuestring, "");
  cJSON_Delete(data);
  free(html);
  tendril_env_destroy(env);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(html, is_the_same_whatever_the_locale) {
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  tnd_trace *trace = play(model, 1000, NULL);
  char *html = written(trace, NULL, NULL);
  if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "");
  char *again = written(trace, NULL, NULL);
  cr_assert_str_eq(html, again);
  free(html);
  free(again);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ failures

typedef struct job {
  const tnd_trace *trace;
  const char *path;
} job;

static tendril_status write_it(void *context, tendril_error *err) {
  const job *j = context;
  const tendril_status status = write_html(j->trace, NULL, j->path, err);
  cr_assert_eq(access(j->path, F_OK) == 0, status == TENDRIL_OK);
  if (status == TENDRIL_OK) unlink(j->path);
  return status;
}

Test(html, survives_the_failure_of_every_allocation) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = play(model, 1000, "60@0.05");
  char *folder = support_tmpdir();
  job j = {trace, support_path(folder, "episode.html")};
  cr_assert_gt(support_fail_each_alloc(write_it, &j), 20);
  support_tmpdir_remove(folder);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

static int entries_but_for_the_folder(const char *folder) {
  char command[4200];
  int n = -1;
  snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
  FILE *lines = popen(command, "r");
  cr_assert_eq(fscanf(lines, "%d", &n), 1);
  pclose(lines);
  return n;
}

Test(html, a_file_that_cannot_be_written_leaves_nothing) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = play(model, 1000, NULL);
  char *folder = support_tmpdir();
  tendril_error err = {{0}};
  cr_assert_eq(write_html(trace, NULL, support_path(folder, "no/such/place.html"), &err),
               TENDRIL_E_IO);
  cr_assert_not_null(strstr(err.text, "place.html"), "%s", err.text);
  cr_assert_eq(write_html(trace, NULL, folder, &err), TENDRIL_E_IO, "a folder");

  // a disk that is full after 100 kB; an old file stays as it was
  support_write_file(support_path(folder, "old.html"), "old", 3);
  const struct rlimit small = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
  signal(SIGXFSZ, SIG_IGN);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  cr_assert_eq(write_html(trace, NULL, support_path(folder, "new.html"), &err), TENDRIL_E_IO);
  cr_assert_eq(write_html(trace, NULL, support_path(folder, "old.html"), &err), TENDRIL_E_IO);
  char *old = support_read_file(support_path(folder, "old.html"), NULL);
  cr_assert_str_eq(old, "old");
  cr_assert_eq(entries_but_for_the_folder(folder), 1);
  free(old);
  support_tmpdir_remove(folder);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}
