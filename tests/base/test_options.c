// Option tables: defaults, texts, JSON, ranges, error lines, help; and "did you mean".
#include "base/options.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

// clang-format off
#define SHIP_OPTIONS(X)                                                                            \
  X(integer, crew,   1e1,       0,            1e9,  "people", "who is aboard")                     \
  X(integer, offset, -5,        -9007199254740991, 9007199254740991, "", "any whole number")       \
  X(real,    max_kl, 0.01,      1e-8,         10,   "nat",    "a | bound")                         \
  X(flag,    armed,  true,      0,            0,    "",       "carries guns")                      \
  X(flag,    sunk,   false,     0,            0,    "",       "lies below")                        \
  X(choice,  rig,    "sloop",   "brig sloop full-rigged", 0, "", "its sails")                      \
  X(sizes,   masts,  "64 32",   1,            4096, "m",      "their heights")
// clang-format on

typedef struct ship {
  SHIP_OPTIONS(TENDRIL_OPTION_FIELD)
} ship;

#define X(...) TND_OPTION_ROW(ship, __VA_ARGS__)
static const tnd_option ship_rows[] = {SHIP_OPTIONS(X)};
#undef X
static const tnd_option_table ship_table = TND_OPTION_TABLE(ship, ship_rows);

static tendril_error err;

static tendril_status set(ship *s, const char *name, const char *text) {
  return tnd_options_set(&ship_table, s, "--set", "ship", name, text, &err);
}

static tendril_status read_text(ship *s, const char *json, const char *ignore) {
  cJSON *object = NULL;
  cr_assert_eq(tnd_json_parse(json, strlen(json), "test", &object, &err), TENDRIL_OK);
  tendril_status status =
      tnd_options_read(&ship_table, s, "hopper.json", "ship", object, ignore, &err);
  cJSON_Delete(object);
  return status;
}

Test(options, have_the_defaults_of_the_table) {
  ship s;
  memset(&s, 0x55, sizeof s);
  tnd_options_default(&ship_table, &s);
  cr_assert_eq(s.crew, 10);
  cr_assert_eq(s.offset, -5);
  cr_assert_eq(s.max_kl, 0.01);
  cr_assert(s.armed && !s.sunk);
  cr_assert_eq(s.rig, 1);
  cr_assert(s.masts.n == 2 && s.masts.at[0] == 64 && s.masts.at[1] == 32);
  cr_assert_eq(tnd_options_check(&ship_table, &s, "ship", &err), TENDRIL_OK);
}

Test(options, take_every_type_from_text) {
  ship s;
  tnd_options_default(&ship_table, &s);
  cr_assert_eq(set(&s, "crew", "1e6"), TENDRIL_OK);
  cr_assert_eq(s.crew, 1000000);
  cr_assert_eq(set(&s, "crew", "2.5e1"), TENDRIL_OK);
  cr_assert_eq(s.crew, 25);
  cr_assert_eq(set(&s, "offset", "9007199254740991"), TENDRIL_OK);
  cr_assert_eq(s.offset, INT64_C(9007199254740991));
  cr_assert_eq(set(&s, "max_kl", "1e-8"), TENDRIL_OK);
  cr_assert_eq(s.max_kl, 1e-8);
  cr_assert_eq(set(&s, "armed", "false"), TENDRIL_OK);
  cr_assert(!s.armed);
  cr_assert_eq(set(&s, "rig", "full-rigged"), TENDRIL_OK);
  cr_assert_eq(s.rig, 2);
  cr_assert_eq(set(&s, "masts", "1,2, 3"), TENDRIL_OK);
  cr_assert(s.masts.n == 3 && s.masts.at[2] == 3);
  cr_assert_eq(set(&s, "masts", " 8 9 "), TENDRIL_OK);
  cr_assert(s.masts.n == 2 && s.masts.at[1] == 9);
}

Test(options, refuse_texts_with_the_place_the_fault_and_the_mend) {
  static const char *const cases[][3] = {
      {"max_kll", "1", "--set ship.max_kll: no such option; did you mean max_kl?"},
      {"max_kl", "50", "--set ship.max_kl: 50 is out of range; use 1e-08 to 10 (nat)"},
      {"max_kl", "1e999", "--set ship.max_kl: 1e999 is out of range; use 1e-08 to 10 (nat)"},
      {"max_kl", "nan", "--set ship.max_kl: nan is not a number; use 1e-08 to 10 (nat)"},
      {"max_kl", "inf", "--set ship.max_kl: inf is not a number; use 1e-08 to 10 (nat)"},
      {"max_kl", "0x1", "--set ship.max_kl: 0x1 is not a number; use 1e-08 to 10 (nat)"},
      {"max_kl", "1 ", "--set ship.max_kl: 1  is not a number; use 1e-08 to 10 (nat)"},
      {"max_kl", "0,5", "--set ship.max_kl: 0,5 is not a number; use 1e-08 to 10 (nat)"},
      {"max_kl", "", "--set ship.max_kl: nothing is not a number; use 1e-08 to 10 (nat)"},
      {"crew", "1.5", "--set ship.crew: 1.5 is not a whole number; use 0 to 1000000000 (people)"},
      {"crew", "99999999999999999999",
       "--set ship.crew: 99999999999999999999 is out of range; use 0 to 1000000000 (people)"},
      {"crew", "-1", "--set ship.crew: -1 is out of range; use 0 to 1000000000 (people)"},
      {"armed", "yes", "--set ship.armed: yes is neither true nor false; use true or false"},
      {"rig", "slop",
       "--set ship.rig: slop is not one of brig|sloop|full-rigged; did you mean sloop?"},
      {"rig", "brig sloop",
       "--set ship.rig: brig sloop is not one of the names; use brig|sloop|full-rigged"},
      {"masts", "0", "--set ship.masts: 0 is out of range; use 1 to 8 sizes, each 1 to 4096"},
      {"masts", "1,,2",
       "--set ship.masts: 1,,2 is not a list of whole numbers; use 1 to 8 sizes, each 1 to 4096"},
      {"masts", "1,",
       "--set ship.masts: 1, is not a list of whole numbers; use 1 to 8 sizes, each 1 to 4096"},
      {"masts", "",
       "--set ship.masts: an empty list has no size; use 1 to 8 sizes, each 1 to 4096"},
  };
  ship s, before;
  tnd_options_default(&ship_table, &s);
  memcpy(&before, &s, sizeof s);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cr_assert_eq(set(&s, cases[i][0], cases[i][1]), TENDRIL_E_CONFIG);
    cr_assert_str_eq(err.text, cases[i][2]);
    cr_assert_arr_eq(&s, &before, sizeof s);
  }
}

Test(options, a_whole_number_that_a_double_cannot_hold_is_refused_not_rounded) {
  ship s;
  tnd_options_default(&ship_table, &s);
  cr_assert_eq(set(&s, "offset", "9007199254740993"), TENDRIL_E_CONFIG);
  s.offset = INT64_MAX;
  cr_assert_eq(tnd_options_check(&ship_table, &s, "ship", &err), TENDRIL_E_ARGUMENT);
}

Test(options, without_a_near_name_all_names_are_listed) {
  ship s;
  tnd_options_default(&ship_table, &s);
  cr_assert_eq(set(&s, "zzzzzz", "1"), TENDRIL_E_CONFIG);
  cr_assert_str_eq(err.text, "--set ship.zzzzzz: no such option; there are crew, offset, max_kl, "
                             "armed, sunk, rig, masts");
}

Test(options, an_error_is_one_line_whatever_was_quoted) {
  ship s;
  tnd_options_default(&ship_table, &s);
  cr_assert_eq(set(&s, "crew", "1\n\x1b[2J"), TENDRIL_E_CONFIG);
  for (const char *c = err.text; *c; c++)
    cr_assert((unsigned char)*c >= 0x20);
}

Test(options, are_read_from_json_all_or_none) {
  ship s, before;
  tnd_options_default(&ship_table, &s);
  cr_assert_eq(
      read_text(
          &s, "{\"crew\":3,\"type\":{},\"max_kl\":1,\"sunk\":true,\"rig\":\"brig\",\"masts\":[5]}",
          "type"),
      TENDRIL_OK);
  cr_assert(s.crew == 3 && s.max_kl == 1 && s.sunk && s.rig == 0 && s.masts.n == 1);
  before = s;
  static const char *const cases[][2] = {
      {"{\"crew\": 4, \"max_kl\": 50}",
       "hopper.json: ship.max_kl: 50 is out of range; use 1e-08 to 10 (nat)"},
      {"{\"crew\": 4, \"max_kl\": \"1\"}",
       "hopper.json: ship.max_kl: a text in quotes is not a number; use 1e-08 to 10 (nat)"},
      {"{\"crew\": true}",
       "hopper.json: ship.crew: true is not a whole number; use 0 to 1000000000 (people)"},
      {"{\"crew\": 0.5}",
       "hopper.json: ship.crew: 0.5 is not a whole number; use 0 to 1000000000 (people)"},
      {"{\"crew\": 1e300}",
       "hopper.json: ship.crew: 1e+300 is out of range; use 0 to 1000000000 (people)"},
      {"{\"armed\": 1}", "hopper.json: ship.armed: 1 is neither true nor false; use true or false"},
      {"{\"rig\": null}",
       "hopper.json: ship.rig: null is not one of the names; use brig|sloop|full-rigged"},
      {"{\"masts\": 64}", "hopper.json: ship.masts: 64 is not a list of whole numbers; use 1 to 8 "
                          "sizes, each 1 to 4096"},
      {"{\"masts\": [1, \"2\"]}", "hopper.json: ship.masts: a text in quotes is not a whole "
                                  "number; use 1 to 8 sizes, each 1 to 4096"},
      {"{\"masts\": [1,2,3,4,5,6,7,8,9]}", "hopper.json: ship.masts: 9 is one size too many; use "
                                           "1 to 8 sizes, each 1 to 4096"},
      {"{\"Crews\": 1}", "hopper.json: ship.Crews: no such option; did you mean crew?"},
      {"[]", "hopper.json: ship: wants an object, {\"name\": value, ...}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cr_assert_eq(read_text(&s, cases[i][0], NULL), TENDRIL_E_CONFIG);
    cr_assert_str_eq(err.text, cases[i][1]);
    cr_assert_arr_eq(&s, &before, sizeof s);
  }
}

static void fill(ship *s) {
  tnd_options_default(&ship_table, s);
  s->crew = 12345678;
  s->max_kl = 0.1 + 0.2;
  s->sunk = true;
  s->rig = 2;
}

static tendril_status round_trip(void *context, tendril_error *error) {
  ship *s = context;
  cJSON *object = cJSON_CreateObject();
  if (!object) return tnd_fail_memory(error);
  char *text = NULL;
  tendril_status status = tnd_options_write(&ship_table, s, object, error);
  if (status == TENDRIL_OK) status = tnd_json_print(object, &text, error);
  cJSON_Delete(object);
  object = NULL;
  if (status == TENDRIL_OK) status = tnd_json_parse(text, strlen(text), "test", &object, error);
  if (status == TENDRIL_OK) tnd_options_default(&ship_table, s);
  if (status == TENDRIL_OK)
    status = tnd_options_read(&ship_table, s, "test", "", object, NULL, error);
  if (status != TENDRIL_OK) fill(s);
  cJSON_Delete(object);
  tnd_free(text);
  return status;
}

Test(options, written_as_json_read_back_the_same_whatever_allocation_fails) {
  ship s, expected;
  memset(&s, 0, sizeof s);
  fill(&s);
  memcpy(&expected, &s, sizeof s);
  support_fail_each_alloc(round_trip, &s);
  cr_assert(s.crew == expected.crew && s.max_kl == expected.max_kl && s.sunk && s.rig == 2);
  cr_assert_arr_eq(&s.masts, &expected.masts, sizeof s.masts);
}

Test(options, filled_by_hand_are_checked) {
  ship s;
  tnd_options_default(&ship_table, &s);
  s.max_kl = (double)NAN;
  cr_assert_eq(tnd_options_check(&ship_table, &s, "ship", &err), TENDRIL_E_ARGUMENT);
  cr_assert_str_eq(err.text, "ship.max_kl: nan is out of range; use 1e-08 to 10 (nat)");
  tnd_options_default(&ship_table, &s);
  s.rig = 3;
  cr_assert_eq(tnd_options_check(&ship_table, &s, "", &err), TENDRIL_E_ARGUMENT);
  cr_assert_str_eq(err.text, "rig: number 3 is not one of the names; use brig|sloop|full-rigged");
  s.rig = -1;
  cr_assert_eq(tnd_options_check(&ship_table, &s, "", &err), TENDRIL_E_ARGUMENT);
  tnd_options_default(&ship_table, &s);
  s.masts.n = 9;
  cr_assert_eq(tnd_options_check(&ship_table, &s, "", &err), TENDRIL_E_ARGUMENT);
  s.masts = (tendril_sizes){.n = 1, .at = {5000}};
  cr_assert_eq(tnd_options_check(&ship_table, &s, "", &err), TENDRIL_E_ARGUMENT);
}

static tendril_status describe(void *context, tendril_error *error) {
  char *text = NULL;
  tendril_status status = tnd_options_describe(&ship_table, "ship", TND_OPTIONS_TEXT, &text, error);
  *(bool *)context = text && strstr(text, "\n  ship.max_kl  0.01   1e-08 to 10 (nat)") != NULL;
  tnd_free(text);
  return status;
}

Test(options, are_described_in_columns_and_in_markdown) {
  bool found = false;
  support_fail_each_alloc(describe, &found);
  cr_assert(found);
  char *text = NULL;
  cr_assert_eq(tnd_options_describe(&ship_table, "ship", TND_OPTIONS_MARKDOWN, &text, &err), 0);
  cr_assert(strstr(text, "| `ship.armed` | true | true or false | carries guns |\n") != NULL);
  cr_assert(strstr(text, "| `ship.max_kl` | 0.01 | 1e-08 to 10 (nat) | a \\| bound |\n") != NULL);
  cr_assert(strstr(text, "| sloop | brig\\|sloop\\|full-rigged |") != NULL);
  tnd_free(text);
}

Test(nearest, finds_what_was_meant_and_nothing_else) {
  static const char *const names[] = {"hopper", "hopper-v4", "walker2d-v4", "swimmer", "trpo"};
  static const char *const cases[][2] = {
      {"hoper", "hopper"},
      {"Hopper", "hopper"},
      {"hopper_v4", "hopper-v4"},
      {"walker", "walker2d-v4"},
      {"tpro", "trpo"},
      {"swimer", "swimmer"},
      {"walkr2d", "walker2d-v4"},
      {"cheetah", NULL},
      {"", NULL},
      {"x", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *near = tnd_nearest(cases[i][0], names, 5);
    if (cases[i][1])
      cr_assert(near && strcmp(near, cases[i][1]) == 0, "%s", cases[i][0]);
    else
      cr_assert_null(near, "%s", cases[i][0]);
  }
  char longest[5000];
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  cr_assert_null(tnd_nearest(longest, names, 5));
}
