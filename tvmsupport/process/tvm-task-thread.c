/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-task-thread-private.h"

#include <unistd.h>

/* The process that has loaded the library. One that was forked since then may have lost threads. */
static pid_t loaded_by;

static void __attribute__ ((constructor))
remember_process (void)
{
  loaded_by = getpid ();
}

typedef struct
{
  GTask *task;
  GTaskThreadFunc func;
} Call;

static gpointer
run_call (gpointer data)
{
  Call *call = data;
  GTask *task = call->task;

  call->func (task, g_task_get_source_object (task), g_task_get_task_data (task),
              g_task_get_cancellable (task));
  g_object_unref (task);
  g_free (call);

  return NULL;
}

void
tvm_task_run_in_thread (GTask           *task,
                        GTaskThreadFunc  func)
{
  GThread *thread;
  GError *error = NULL;
  Call *call;

  if (getpid () == loaded_by)
    {
      g_task_run_in_thread (task, func);
      return;
    }

  call = g_new0 (Call, 1);
  call->task = g_object_ref (task);
  call->func = func;
  thread = g_thread_try_new ("tvmsupport", run_call, call, &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }

  g_object_unref (task);
  g_free (call);
  g_task_return_error (task, error);
}
