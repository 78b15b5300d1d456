/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker.h"

#include "tvmsupport/worker/tvm-worker-channel-private.h"
#include "tvmsupport/worker/tvm-worker-runtime-private.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the main thread only, as tvm_worker_main() and what goes before it are */
static TvmWorkerRuntime *
get_runtime (void)
{
  static TvmWorkerRuntime *runtime;

  if (runtime == NULL)
    runtime = tvm_worker_runtime_new (&tvm_worker_channel_cancellables);
  return runtime;
}

/**
 * tvm_worker_add_function:
 * @name: how tasks name the function
 * @func: (scope notified) (closure user_data) (destroy destroy): the function
 * @user_data: given to @func
 * @destroy: (nullable): frees @user_data, when a function of the same name takes its place
 *
 * Gives a name to a function that tasks can call when this program is its own worker.
 *
 * To be called in the main thread, before [func@TvmSupport.worker_main]. A function of the same
 * name as one before takes its place.
 *
 * Since: 1.0
 */
void
tvm_worker_add_function (const char     *name,
                         TvmWorkerFunc   func,
                         gpointer        user_data,
                         GDestroyNotify  destroy)
{
  TvmWorkerFunction *function;

  g_return_if_fail (name != NULL);
  g_return_if_fail (func != NULL);

  function = g_new0 (TvmWorkerFunction, 1);
  function->func = func;
  function->user_data = user_data;
  function->destroy = destroy;
  tvm_worker_runtime_add (get_runtime (), name, function);
}

/**
 * tvm_worker_main:
 * @argc: the number of words in @argv
 * @argv: (array length=argc) (element-type filename): the command line of the program
 *
 * Makes this process a worker, if it was started as one.
 *
 * A program that is its own worker (see [ctor@TvmSupport.WorkerSpec.new_self]) calls this first in
 * `main()`, behind the functions that tasks may call and before all else: before it looks at its
 * command line, opens a window, starts a thread or makes a pool. Where it comes later, what is
 * before it happens in every worker; a pool fails there with `TVM_ERROR_FAILED`.
 *
 * ```c
 * static GVariant *
 * square (GVariant      *args,
 *         GCancellable  *cancellable,
 *         gpointer       user_data,
 *         GError       **error)
 * {
 *   gint64 number;
 *
 *   if (!g_variant_is_of_type (args, G_VARIANT_TYPE ("(x)")))
 *     {
 *       g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
 *                            "Expected a number");
 *       return NULL;
 *     }
 *
 *   g_variant_get (args, "(x)", &number);
 *   return g_variant_new_int64 (number * number);
 * }
 *
 * int
 * main (int    argc,
 *       char **argv)
 * {
 *   tvm_worker_add_function ("square", square, NULL, NULL);
 *   tvm_worker_main (argc, argv);
 *
 *   return run_application (argc, argv);
 * }
 * ```
 *
 * It returns at once unless the last word of the command line begins with `--tvm-worker=`. In a
 * worker it does not return: it runs tasks, one after the other in this thread, until it is not
 * needed any more, and ends the process with `exit()`.
 *
 * Since: 1.0
 */
void
tvm_worker_main (int    argc,
                 char **argv)
{
  TvmWorkerRole role;
  const char *program;

  g_return_if_fail (argc == 0 || argv != NULL);

  role = tvm_worker_role_parse (argc > 1 ? argv[argc - 1] : NULL);
  if (role == TVM_WORKER_ROLE_NONE)
    return;

  program = g_get_prgname ();
  if (program == NULL)
    program = argv[0];
  if (role == TVM_WORKER_ROLE_UNKNOWN)
    {
      fprintf (stderr, _("%s: “%s” is nothing that a worker is told\n"), program, argv[argc - 1]);
      exit (EXIT_FAILURE);
    }

  tvm_worker_self_begin ();
  exit (tvm_worker_runtime_run (get_runtime (), program, role));
}
