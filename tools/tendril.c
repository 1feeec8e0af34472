// The program: finds the command and hands over.
#include "cli.h"

#include "base/options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const cli_command *const commands[] = {&cmd_list,       &cmd_train,  &cmd_eval,
                                              &cmd_play,       &cmd_record, &cmd_plot,
                                              &cmd_experiment, &cmd_bench,  &cmd_optimize};
enum { NCOMMAND = sizeof commands / sizeof commands[0] };

static void print_help(void) {
  printf("usage: tendril COMMAND ...\n\n"
         "Trains locomotion policies on MuJoCo and measures what they learned.\n\ncommands:\n");
  for (int i = 0; i < NCOMMAND; i++)
    printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
  printf("\nA command ends with 0, with 1 if it failed, with 2 if it was asked "
         "wrongly.\n\noptions:\n  --help     this text; tendril COMMAND --help for one command\n"
         "  --version  versions of tendril, MuJoCo, BLAS, and the processor\n\nexample:\n"
         "  tendril train hopper-v4 -o runs/hopper\n  tendril eval runs/hopper\n");
}

static void print_version(void) {
  const tendril_versions *v = tendril_get_versions();
  printf("tendril %s\nMuJoCo %s\nBLAS %s\nCPU %s\n", v->tendril, v->mujoco, v->blas, v->cpu);
}

static int unknown_command(const char *name) {
  const char *names[NCOMMAND];
  for (int i = 0; i < NCOMMAND; i++)
    names[i] = commands[i]->name;
  const char *near = tnd_nearest(name, names, NCOMMAND);
  if (near) return cli_usage(NULL, "%s: no such command; did you mean %s?", name, near);
  return cli_usage(NULL, "%s: no such command", name);
}

static int dispatch(int argc, char **argv) {
  if (argc < 2) return cli_usage(NULL, "no command given");
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_help();
    return EXIT_OK;
  }
  if (strcmp(argv[1], "--version") == 0) {
    print_version();
    return EXIT_OK;
  }
  for (int i = 0; i < NCOMMAND; i++)
    if (strcmp(argv[1], commands[i]->name) == 0) return commands[i]->run(argc - 1, argv + 1);
  return unknown_command(argv[1]);
}

int main(int argc, char **argv) {
  // a file that grows past `ulimit -f` is an error of the write, not the end
  signal(SIGXFSZ, SIG_IGN);
  int status = dispatch(argc, argv);
  // what could not be written is not a success
  if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_OK) {
    fprintf(stderr, "tendril: standard output could not be written: %s\n", strerror(errno));
    status = EXIT_FAILED;
  }
  return status;
}
