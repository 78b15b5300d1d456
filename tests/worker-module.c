/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A module of functions for tasks, good and bad. Behind each: its arguments → its result.
 *
 * Nothing that is meant to be killed stays for longer than LIFETIME seconds, should a test fail.
 */
#define LIFETIME 120
#define STORM_LIFETIME 20

#define TASK(name) \
  G_MODULE_EXPORT GVariant *name (GVariant *args, GCancellable *cancellable, GError **error); \
  GVariant *name (GVariant *args, GCancellable *cancellable, GError **error)

/* For names that the C library has too */
#define TASK_AS(name, symbol) \
  G_MODULE_EXPORT GVariant *name (GVariant *args, GCancellable *cancellable, GError **error) \
    __asm__ (symbol); \
  GVariant *name (GVariant *args, GCancellable *cancellable, GError **error)

/* Symbols that are no functions */
G_MODULE_EXPORT extern int no_function;
int no_function = 1;

static guint n_calls;
static GVariant *init_args;

static gboolean
expect (GVariant    *args,
        const char  *type,
        GError     **error)
{
  if (g_variant_is_of_type (args, G_VARIANT_TYPE (type)))
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Expected %s, not %s", type,
               g_variant_get_type_string (args));
  return FALSE;
}

static void G_GNUC_NORETURN
stay (void)
{
  alarm (LIFETIME);
  for (;;)
    pause ();
}

/* In a place of its own first, so that who waits for the file finds the whole number */
static void
write_pid (const char *path,
           pid_t       pid)
{
  g_autofree char *temporary = g_strconcat (path, ".new", NULL);
  g_autofree char *text = g_strdup_printf ("%d", (int) pid);

  if (*path == '\0')
    return;
  if (!g_file_set_contents (temporary, text, -1, NULL) || rename (temporary, path) != 0)
    abort ();
}

static GVariant *
new_unit (void)
{
  return g_variant_new ("()");
}

/* anything → the same */
TASK (echo)
{
  return g_variant_ref (args);
}

/* (ii) → i */
TASK (add)
{
  int a;
  int b;

  if (!expect (args, "(ii)", error))
    return NULL;

  g_variant_get (args, "(ii)", &a, &b);
  return g_variant_new_int32 (a + b);
}

/* (u) milliseconds → () */
TASK_AS (task_sleep, "sleep")
{
  guint msec;

  if (!expect (args, "(u)", error))
    return NULL;

  g_variant_get (args, "(u)", &msec);
  g_usleep (msec * 1000ul);
  return new_unit ();
}

static void G_GNUC_NORETURN
spin_for_ever (void)
{
  gint64 end = g_get_monotonic_time () + LIFETIME * G_USEC_PER_SEC;

  while (g_get_monotonic_time () < end)
    ;
  abort ();
}

/* () → never */
TASK (spin)
{
  spin_for_ever ();
}

/* () → never, with every signal blocked */
TASK (spin_blocked)
{
  sigset_t all;

  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  spin_for_ever ();
}

/* () → never */
TASK (crash)
{
  /* Whatever may have been set for it, such as by a sanitizer */
  signal (SIGSEGV, SIG_DFL);
  raise (SIGSEGV);
  abort ();
}

/* (i) status → never */
TASK_AS (task_exit, "exit")
{
  int status = 0;

  if (g_variant_is_of_type (args, G_VARIANT_TYPE ("(i)")))
    g_variant_get (args, "(i)", &status);
  _exit (status);
}

/* (s) message → an error */
TASK (fail)
{
  const char *message;

  if (!expect (args, "(s)", error))
    return NULL;

  g_variant_get (args, "(&s)", &message);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, message);
  return NULL;
}

/* anything → NULL, and no error */
TASK (null_result)
{
  return NULL;
}

/* anything → an error and a value */
TASK (both)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "a value and an error");
  return new_unit ();
}

/* () → as, of bytes that are none */
TASK (not_normal)
{
  static const char bytes[] = "no array of strings";

  return g_variant_new_from_data (G_VARIANT_TYPE_STRING_ARRAY, bytes, sizeof bytes, FALSE, NULL,
                                  NULL);
}

static GVariant *
print_to (FILE      *file,
          GVariant  *args,
          GError   **error)
{
  const char *text;

  if (!expect (args, "(s)", error))
    return NULL;

  g_variant_get (args, "(&s)", &text);
  fputs (text, file);
  return new_unit ();
}

/* (s) → (), printed and not flushed */
TASK (write_stdout)
{
  return print_to (stdout, args, error);
}

/* (s) → () */
TASK (write_stderr)
{
  return print_to (stderr, args, error);
}

/* (is) descriptor, text → x bytes written, or -errno */
TASK (write_fd)
{
  const char *text;
  gssize n;
  int fd;

  if (!expect (args, "(is)", error))
    return NULL;

  g_variant_get (args, "(i&s)", &fd, &text);
  n = write (fd, text, strlen (text));
  return g_variant_new_int64 (n >= 0 ? n : -errno);
}

/* () → (), with the descriptors 0, 1 and 2 closed */
TASK (close_stdio)
{
  for (int fd = 0; fd <= 2; fd++)
    close (fd);
  return new_unit ();
}

/* () → (), with all other descriptors closed */
TASK (close_socket)
{
  for (int fd = 3; fd < 1024; fd++)
    close (fd);
  return new_unit ();
}

/* To the connection of the worker, which is the one socket that it has */
static void
write_channel (const void *bytes,
               gsize       size)
{
  struct stat st;
  int fd = 3;

  while (fstat (fd, &st) != 0 || !S_ISSOCK (st.st_mode))
    fd++;
  if (write (fd, bytes, size) != (gssize) size)
    abort ();
}

/* (b) whether to return → (), behind what is no frame */
TASK (garbage)
{
  gboolean returns;

  if (!expect (args, "(b)", error))
    return NULL;

  g_variant_get (args, "(b)", &returns);
  write_channel ("This is not a frame, but long enough for one.", 45);
  if (!returns)
    stay ();
  return new_unit ();
}

/* () → never, behind the first half of a header */
TASK (half_frame)
{
  static const guint8 half[16] = { 'T', 'V', 'M', 'F', 1, 6 };

  write_channel (half, sizeof half);
  stay ();
}

/* (s) file for the number of a child that stays → never: it exits */
TASK (fork_exit)
{
  const char *path;
  pid_t pid;

  if (!expect (args, "(s)", error))
    return NULL;

  g_variant_get (args, "(&s)", &path);
  pid = fork ();
  if (pid == 0)
    stay ();
  write_pid (path, pid);
  _exit (0);
}

/* () → (), in the process that was called and in a child of it */
TASK (fork_return)
{
  pid_t child = fork ();

  if (child > 0)
    waitpid (child, NULL, 0);
  return new_unit ();
}

/* (ss) file for the number of a daemon, "return" or "sleep" → (), or never */
TASK (daemonize)
{
  const char *path;
  const char *then;
  int ready[2];
  pid_t child;
  char byte;

  if (!expect (args, "(ss)", error))
    return NULL;

  g_variant_get (args, "(&s&s)", &path, &then);
  if (pipe2 (ready, O_CLOEXEC) != 0)
    abort ();
  child = fork ();
  if (child == 0)
    {
      setsid ();
      if (fork () != 0)
        _exit (0);
      write_pid (path, getpid ());
      close (ready[0]);
      close (ready[1]);
      stay ();
    }

  close (ready[1]);
  if (read (ready[0], &byte, 1) != 0)
    abort ();
  close (ready[0]);
  waitpid (child, NULL, 0);
  if (strcmp (then, "return") != 0)
    stay ();
  return new_unit ();
}

/* (s) file for the number of the first child → never: each child forks the next one and ends */
TASK (fork_loop)
{
  gint64 end = g_get_monotonic_time () + STORM_LIFETIME * G_USEC_PER_SEC;
  const char *path;
  pid_t pid;

  if (!expect (args, "(s)", error))
    return NULL;

  /* They come back to this process, and as zombies would soon have all numbers of the machine. */
  signal (SIGCHLD, SIG_IGN);
  g_variant_get (args, "(&s)", &path);
  pid = fork ();
  if (pid != 0)
    {
      write_pid (path, pid);
      stay ();
    }

  while (g_get_monotonic_time () < end)
    if (fork () > 0)
      _exit (0);
  _exit (0);
}

/* () → i own number, once somebody has continued it */
TASK (stop_self)
{
  raise (SIGSTOP);
  return g_variant_new_int32 (getpid ());
}

/* (t) at most so many bytes → t, or an error when there are no more */
TASK (eat_memory)
{
  const gsize piece = 1 << 20;
  guint64 limit;
  guint64 eaten = 0;
  gpointer *first = NULL;

  if (!expect (args, "(t)", error))
    return NULL;

  g_variant_get (args, "(t)", &limit);
  while (eaten < limit)
    {
      gpointer *memory = malloc (piece);

      if (memory == NULL)
        break;
      memset (memory, 1, piece);
      *memory = first;
      first = memory;
      eaten += piece;
    }

  while (first != NULL)
    {
      gpointer *next = *first;

      free (first);
      first = next;
    }

  if (eaten >= limit)
    return g_variant_new_uint64 (eaten);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no more memory");
  return NULL;
}

/* (t) bytes → (), with so many more of them in use from then on */
TASK (hold)
{
  static volatile char *held;
  guint64 size;

  if (!expect (args, "(t)", error))
    return NULL;

  g_variant_get (args, "(t)", &size);
  held = g_malloc (size);
  for (guint64 i = 0; i < size; i += 1024)
    held[i] = 1;
  return new_unit ();
}

/* () → u files that could be opened at the same time, at most 4096 */
TASK (open_files)
{
  int fds[4096];
  guint n = 0;

  while (n < G_N_ELEMENTS (fds) && (fds[n] = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    n++;
  for (guint i = 0; i < n; i++)
    close (fds[i]);
  return g_variant_new_uint32 (n);
}

/* () → i */
TASK (pid)
{
  return g_variant_new_int32 (getpid ());
}

/* () → u how often this was called in this process */
TASK (count)
{
  return g_variant_new_uint32 (++n_calls);
}

/* () → u threads of this process */
TASK (threads)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return g_variant_new_uint32 (n);
}

/* anything → (), kept for get_init; (s) "fail", "hang", "exit" or "crash" does that instead */
TASK (init)
{
  const char *what = "";

  if (g_variant_is_of_type (args, G_VARIANT_TYPE ("(s)")))
    g_variant_get (args, "(&s)", &what);

  if (strcmp (what, "fail") == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "told to fail");
      return NULL;
    }
  if (strcmp (what, "hang") == 0)
    stay ();
  if (strcmp (what, "exit") == 0)
    _exit (3);
  if (strcmp (what, "crash") == 0)
    raise (SIGKILL);

  g_clear_pointer (&init_args, g_variant_unref);
  init_args = g_variant_ref (args);
  return new_unit ();
}

/* () → what init was given last, or an error */
TASK (get_init)
{
  if (init_args != NULL)
    return g_variant_ref (init_args);

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED, "there was no init");
  return NULL;
}

/* (s) file that is made once it waits, or "" → (), once it is cancelled */
TASK (wait_cancel)
{
  GPollFD polled;
  const char *path;

  if (!expect (args, "(s)", error))
    return NULL;
  if (cancellable == NULL || !g_cancellable_make_pollfd (cancellable, &polled))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "cannot be cancelled");
      return NULL;
    }

  g_variant_get (args, "(&s)", &path);
  write_pid (path, getpid ());
  g_poll (&polled, 1, LIFETIME * 1000);
  g_cancellable_release_fd (cancellable);
  if (!g_cancellable_is_cancelled (cancellable))
    abort ();
  return new_unit ();
}

/* (ss) file, text → (), with the text at the end of the file */
TASK (append)
{
  const char *path;
  const char *text;
  int fd;

  if (!expect (args, "(ss)", error))
    return NULL;

  g_variant_get (args, "(&s&s)", &path, &text);
  fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write (fd, text, strlen (text)) < 0)
    abort ();
  close (fd);
  return new_unit ();
}

/* (t) → (), after the number was written where the status page says how much is in the outbox */
TASK (scribble)
{
  g_autoptr (GError) read_error = NULL;
  g_autofree char *maps = NULL;
  const char *line;
  guint64 number;

  if (!expect (args, "(t)", error))
    return NULL;

  g_variant_get (args, "(t)", &number);
  g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL);
  line = strstr (maps, "memfd:tvmsupport-status");
  while (line > maps && line[-1] != '\n')
    line--;
  ((volatile guint64 *) (gsize) g_ascii_strtoull (line, NULL, 16))[1] = number;
  return new_unit ();
}

/* (t) bytes → ay */
TASK (big)
{
  guint64 size;
  gpointer bytes;

  if (!expect (args, "(t)", error))
    return NULL;

  g_variant_get (args, "(t)", &size);
  bytes = g_try_malloc0 (size);
  if (bytes == NULL && size > 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no more memory");
      return NULL;
    }
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

/* (ay) → t its length */
TASK (length)
{
  g_autoptr (GVariant) bytes = NULL;

  if (!expect (args, "(ay)", error))
    return NULL;

  bytes = g_variant_get_child_value (args, 0);
  return g_variant_new_uint64 (g_variant_n_children (bytes));
}

/* (s) → ms a variable of the environment */
TASK (env)
{
  const char *name;

  if (!expect (args, "(s)", error))
    return NULL;

  g_variant_get (args, "(&s)", &name);
  return g_variant_new ("ms", g_getenv (name));
}

/* () → s */
TASK (cwd)
{
  g_autofree char *path = g_get_current_dir ();

  return g_variant_new_string (path);
}

/* i a resource → t its soft limit */
TASK (get_limit)
{
  struct rlimit limit;

  if (!expect (args, "i", error))
    return NULL;

  if (getrlimit (g_variant_get_int32 (args), &limit) != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, g_strerror (errno));
      return NULL;
    }
  return g_variant_new_uint64 (limit.rlim_cur);
}
