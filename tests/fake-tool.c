/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the tests run in the place of real tools: `fake-tool MODE [ARGUMENT…]`.
 *
 * Plain C, so that it starts fast and brings nothing of GLib along. Modes that do not end say that
 * they have come so far by writing "PID PARENT\n" to the FIFO that FAKE_TOOL_READY names.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
fail (const char *what)
{
  fprintf (stderr, "fake-tool: %s: %s\n", what, strerror (errno));
  _exit (99);
}

static void
say_ready (void)
{
  const char *path = getenv ("FAKE_TOOL_READY");
  int fd;

  if (path == NULL)
    return;

  fd = open (path, O_WRONLY);
  if (fd < 0 || dprintf (fd, "%d %d\n", (int) getpid (), (int) getppid ()) < 0)
    fail (path);
  close (fd);
}

static void
hang (void)
{
  for (;;)
    pause ();
}

static void
write_all (int         fd,
           const char *data,
           size_t      length)
{
  while (length > 0)
    {
      ssize_t n = write (fd, data, length);

      if (n < 0)
        fail ("write");
      data += n;
      length -= (size_t) n;
    }
}

static int
print_arguments (char **argv)
{
  for (; *argv != NULL; argv++)
    printf ("[%s]\n", *argv);
  return 0;
}

static int
print_environment (char **argv)
{
  for (; *argv != NULL; argv++)
    {
      const char *value = getenv (*argv);

      if (value != NULL)
        printf ("%s=%s\n", *argv, value);
      else
        printf ("%s is not set\n", *argv);
    }
  return 0;
}

static int
print_cwd (char **argv)
{
  char *cwd = getcwd (NULL, 0);

  (void) argv;
  puts (cwd);
  free (cwd);
  return 0;
}

/* Everything that is not as in a process that a shell has started */
static int
print_inherited (char **argv)
{
  struct sigaction action;
  sigset_t mask;
  struct dirent *entry;
  DIR *dir = opendir ("/proc/self/fd");

  (void) argv;
  while (dir != NULL && (entry = readdir (dir)) != NULL)
    if (atoi (entry->d_name) > 2 && atoi (entry->d_name) != dirfd (dir))
      printf ("fd %s\n", entry->d_name);

  sigprocmask (SIG_SETMASK, NULL, &mask);
  for (int i = 1; i < NSIG; i++)
    {
      if (sigaction (i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
        printf ("signal %d ignored\n", i);
      if (sigismember (&mask, i) == 1)
        printf ("signal %d blocked\n", i);
    }

  if (getpgrp () != getpid ())
    puts ("no process group");
  return 0;
}

static int
print_limit (char **argv)
{
  struct rlimit limit;

  getrlimit (atoi (argv[0]), &limit);
  printf ("%llu %llu\n", (unsigned long long) limit.rlim_cur, (unsigned long long) limit.rlim_max);
  return 0;
}

static int
exit_with (char **argv)
{
  return atoi (argv[0]);
}

static int
end_by_signal (char **argv)
{
  kill (getpid (), atoi (argv[0]));
  hang ();
  return 0;
}

static int
hang_mode (char **argv)
{
  (void) argv;
  say_ready ();
  hang ();
  return 0;
}

static int
print_and_hang (char **argv)
{
  write_all (1, argv[0], strlen (argv[0]));
  write_all (2, argv[0], strlen (argv[0]));
  say_ready ();
  hang ();
  return 0;
}

static int
hang_with_grandchild (char **argv)
{
  (void) argv;
  if (fork () == 0)
    hang ();
  say_ready ();
  hang ();
  return 0;
}

static void
ignore_all_signals (void)
{
  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_IGN);
}

static int
spin_ignoring_signals (char **argv)
{
  (void) argv;
  ignore_all_signals ();
  say_ready ();
  for (;;)
    ;
  return 0;
}

/* A process with another session and parent, which keeps stdout and stderr */
static void
start_daemon (void (*func) (void))
{
  pid_t pid = fork ();

  if (pid < 0)
    fail ("fork");
  if (pid > 0)
    {
      waitpid (pid, NULL, 0);
      return;
    }

  setsid ();
  if (fork () != 0)
    _exit (0);
  ignore_all_signals ();
  func ();
  _exit (0);
}

static void
print_for_ever (void)
{
  char block[4096];

  memset (block, 'd', sizeof block);
  for (;;)
    write_all (1, block, sizeof block);
}

/* Each process of the chain is gone as soon as the next one is there, in a session of its own. */
static void
fork_for_ever (void)
{
  for (;;)
    {
      pid_t pid = fork ();

      if (pid > 0)
        _exit (0);
      if (pid == 0)
        setsid ();
    }
}

static int
leave_daemon (char **argv)
{
  (void) argv;
  start_daemon (hang);
  puts ("left a daemon");
  return 0;
}

static int
leave_loud_daemon (char **argv)
{
  (void) argv;
  start_daemon (print_for_ever);
  return 0;
}

/* All that one could do to survive */
static int
be_nasty (char **argv)
{
  pid_t pid;

  (void) argv;
  start_daemon (hang);
  start_daemon (fork_for_ever);
  start_daemon (fork_for_ever);

  pid = fork ();
  if (pid == 0)
    {
      raise (SIGSTOP);
      hang ();
    }

  ignore_all_signals ();
  say_ready ();
  hang ();
  return 0;
}

static void
grow_tree (int depth)
{
  for (int i = 0; i < 2; i++)
    if (fork () == 0)
      {
        setpgid (0, 0);
        if (depth > 1)
          grow_tree (depth - 1);
        hang ();
      }
}

/* Two children per process, as deep as asked, each in a group of its own */
static int
tree_mode (char **argv)
{
  grow_tree (atoi (argv[0]));
  say_ready ();
  hang ();
  return 0;
}

static int
flood_both (char **argv)
{
  size_t total = strtoul (argv[0], NULL, 10);
  char block[1000];

  for (size_t done = 0; done < total; done += sizeof block)
    {
      size_t n = total - done < sizeof block ? total - done : sizeof block;

      memset (block, 'o', sizeof block);
      write_all (1, block, n);
      memset (block, 'e', sizeof block);
      write_all (2, block, n);
    }
  return 0;
}

static int
close_stdio (char **argv)
{
  (void) argv;
  close (0);
  close (1);
  close (2);
  return 7;
}

static int
cat (char **argv)
{
  char block[65536];
  ssize_t n;

  (void) argv;
  while ((n = read (0, block, sizeof block)) > 0)
    write_all (1, block, (size_t) n);
  return n < 0 ? 1 : 0;
}

/* What comes from one descriptor goes to another. */
static int
copy_fd (char **argv)
{
  char block[4096];
  ssize_t n;

  while ((n = read (atoi (argv[0]), block, sizeof block)) > 0)
    write_all (atoi (argv[1]), block, (size_t) n);
  return n < 0 ? 1 : 0;
}

static int
print_bad_utf8 (char **argv)
{
  (void) argv;
  write_all (1, "a\xff\0b", 4);
  return 0;
}

static int
write_file (char **argv)
{
  int fd = open (argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0666);

  if (fd < 0)
    fail (argv[0]);
  write_all (fd, argv[1], strlen (argv[1]));
  return 0;
}

static int
write_file_and_hang (char **argv)
{
  write_file (argv);
  say_ready ();
  hang ();
  return 0;
}

/* Fills TMPDIR as a compiler would, and says where it is. */
static void
use_tmpdir (void)
{
  const char *tmpdir = getenv ("TMPDIR");
  int fd;

  if (tmpdir == NULL || chdir (tmpdir) != 0 || mkdir ("sub", 0700) != 0
      || symlink ("/", "sub/link") != 0)
    fail ("TMPDIR");
  /* Somebody says that it is in use. */
  fd = open (".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || flock (fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    fail ("flock");
  close (fd);
  write_file ((char *[]) { (char *) "sub/file", (char *) "x", NULL });
  puts (tmpdir);
  fflush (stdout);
}

static int
use_tmpdir_mode (char **argv)
{
  (void) argv;
  use_tmpdir ();
  return 0;
}

static int
use_tmpdir_and_hang (char **argv)
{
  (void) argv;
  use_tmpdir ();
  say_ready ();
  hang ();
  return 0;
}

/* MIB of memory and MSEC of processor time */
static int
burn (char **argv)
{
  size_t size = strtoul (argv[0], NULL, 10) << 20;
  clock_t end = clock () + atol (argv[1]) * (CLOCKS_PER_SEC / 1000);
  char *memory = malloc (size);

  if (memory == NULL)
    fail ("malloc");
  for (volatile char *p = memory; p < memory + size; p += 4096)
    *p = 1;
  while (clock () < end)
    ;
  return 0;
}

static const struct
{
  const char *name;
  int (*run) (char **argv);
} modes[] = {
  { "args", print_arguments },
  { "env", print_environment },
  { "cwd", print_cwd },
  { "inherited", print_inherited },
  { "limit", print_limit },
  { "exit", exit_with },
  { "signal", end_by_signal },
  { "hang", hang_mode },
  { "print-and-hang", print_and_hang },
  { "hang-with-grandchild", hang_with_grandchild },
  { "spin-ignoring-signals", spin_ignoring_signals },
  { "daemonize", leave_daemon },
  { "daemonize-loud", leave_loud_daemon },
  { "nasty", be_nasty },
  { "tree", tree_mode },
  { "flood-both", flood_both },
  { "close-stdio", close_stdio },
  { "cat", cat },
  { "copy-fd", copy_fd },
  { "bad-utf8", print_bad_utf8 },
  { "write-file", write_file },
  { "write-file-and-hang", write_file_and_hang },
  { "tmpdir", use_tmpdir_mode },
  { "tmpdir-and-hang", use_tmpdir_and_hang },
  { "burn", burn },
};

int
main (int    argc,
      char **argv)
{
  for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof modes[0]; i++)
    if (strcmp (argv[1], modes[i].name) == 0)
      return modes[i].run (argv + 2);

  fprintf (stderr, "fake-tool: no such mode\n");
  return 98;
}
