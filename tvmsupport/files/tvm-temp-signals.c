/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"

#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/*
 * A handler of a signal may do next to nothing: it wakes a thread, which removes the directories and
 * then lets the signal do what it would have done.
 */

static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

/* Written before the first handler is installed, then read only */
static pid_t owner;
static int wake_fds[2];

static int came;        /* atomic: whether there was a signal before */

/* Does what the signal @signum does by itself. */
static void
let_it_act (int signum)
{
  sigset_t set;

  signal (signum, SIG_DFL);
  sigemptyset (&set);
  sigaddset (&set, signum);
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
  raise (signum);
}

static void
handle_signal (int signum)
{
  int errsv = errno;
  unsigned char byte = (unsigned char) signum;

  /* In a forked child there is no such thread, and nothing to remove. Who sends a second signal
   * does not want to wait. */
  if (getpid () != owner || __atomic_exchange_n (&came, 1, __ATOMIC_SEQ_CST) != 0
      || write (wake_fds[1], &byte, 1) != 1)
    let_it_act (signum);
  errno = errsv;
}

static gpointer
signal_thread (gpointer data)
{
  unsigned char byte;
  gssize n;

  do
    n = read (wake_fds[0], &byte, 1);
  while (n < 0 && errno == EINTR);

  if (n == 1)
    {
      tvm_temp_place_remove_all ();
      let_it_act (byte);
    }
  return NULL;
}

static gboolean
start_thread (GError **error)
{
  GThread *thread;
  sigset_t all, old;

  if (!g_unix_open_pipe (wake_fds, FD_CLOEXEC, error))
    return FALSE;

  owner = getpid ();
  /* It is no thread of the application: signals are for the others. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  thread = g_thread_try_new ("tvm-signals", signal_thread, NULL, error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (thread == NULL)
    {
      close (wake_fds[0]);
      close (wake_fds[1]);
      return FALSE;
    }

  g_thread_unref (thread);
  return TRUE;
}

/* Leaves alone what the application handles, or ignores as under nohup. */
static void
install_handler (int signum)
{
  struct sigaction action = { .sa_handler = handle_signal, .sa_flags = SA_RESTART };
  struct sigaction old;

  sigemptyset (&action.sa_mask);
  if (sigaction (signum, NULL, &old) == 0 && (old.sa_flags & SA_SIGINFO) == 0
      && old.sa_handler == SIG_DFL)
    sigaction (signum, &action, NULL);
}

/**
 * tvm_temp_directory_remove_on_signals:
 * @error: return location for an error
 *
 * Has the temporary directories of this process removed when a signal ends it.
 *
 * SIGHUP, SIGINT and SIGTERM end a process without an exit, and so without the removal that goes
 * with it; what they leave waits for the next process. An application that does not handle these
 * signals itself, by `exit()` or by the end of its main loop, calls this function once when it
 * starts. Handlers that are installed already stay, and so do signals that are ignored.
 *
 * When such a signal comes, none can be made any more (`TVM_ERROR_CREATED_PAST_EXIT`), those that
 * are not kept are removed in a thread of the library, and then the signal ends the process; a
 * second one ends it at once. Other threads run on meanwhile. A forked child is ended as without
 * this function, and what it executes knows nothing of it.
 *
 * If there can be no thread, the error is that of the system. Calling this function again does
 * nothing.
 *
 * Returns: whether they will be removed; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_temp_directory_remove_on_signals (GError **error)
{
  static GMutex mutex;
  static gboolean done;
  gboolean ok;

  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  g_mutex_lock (&mutex);
  ok = done || start_thread (error);
  if (ok && !done)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
        install_handler (signals[i]);
      done = TRUE;
    }
  g_mutex_unlock (&mutex);
  return ok;
}
