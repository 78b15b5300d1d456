/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker-runtime-private.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-nursery.h"
#include "tvmsupport/worker/tvm-variant-private.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAYLOAD_TYPE "gvariant"
#define MODULE_SETTING "module="

typedef struct
{
  char *path;
  void *handle;             /* never closed: what it gave out may be in use until the end */
} Module;

struct _TvmWorkerRuntime
{
  char *program;            /* for HELLO and for messages */
  const TvmCancellableFuncs *funcs;
  GHashTable *functions;    /* (element-type utf8 TvmWorkerFunction): also those found in modules */
  GArray *modules;          /* (element-type Module) */
  GError *module_error;     /* (nullable): why a module of this worker is not there */
};

void
tvm_worker_function_free (TvmWorkerFunction *function)
{
  if (function->destroy != NULL)
    function->destroy (function->user_data);
  g_free (function);
}

static void
module_clear (gpointer data)
{
  Module *module = data;

  g_free (module->path);
}

TvmWorkerRuntime *
tvm_worker_runtime_new (const TvmCancellableFuncs *funcs)
{
  TvmWorkerRuntime *self = g_new0 (TvmWorkerRuntime, 1);

  self->funcs = funcs;
  self->functions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) tvm_worker_function_free);
  self->modules = g_array_new (FALSE, FALSE, sizeof (Module));
  g_array_set_clear_func (self->modules, module_clear);
  return self;
}

void
tvm_worker_runtime_free (TvmWorkerRuntime *self)
{
  g_clear_error (&self->module_error);
  g_array_unref (self->modules);
  g_hash_table_unref (self->functions);
  g_free (self->program);
  g_free (self);
}

void
tvm_worker_runtime_add (TvmWorkerRuntime  *self,
                        const char        *name,
                        TvmWorkerFunction *function)
{
  g_hash_table_replace (self->functions, g_strdup (name), function);
}

/* What the dynamic linker says of @path, without the path that it begins with */
static const char *
get_load_problem (const char *path)
{
  const char *problem = dlerror ();

  if (problem != NULL && g_str_has_prefix (problem, path)
      && g_str_has_prefix (problem + strlen (path), ": "))
    problem += strlen (path) + 2;
  return problem;
}

static gboolean
load_module (TvmWorkerRuntime  *self,
             const char        *path,
             GError           **error)
{
  Module module = { NULL, NULL };

  /* A nursery has loaded it before the fork. */
  for (guint i = 0; i < self->modules->len; i++)
    if (strcmp (g_array_index (self->modules, Module, i).path, path) == 0)
      return TRUE;

  module.handle = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (module.handle == NULL)
    {
      const char *problem = get_load_problem (path);
      g_autofree char *display = g_filename_display_name (path);

      g_set_error (error, TVM_ERROR,
                   access (path, F_OK) == 0 ? TVM_ERROR_FAILED : TVM_ERROR_NOT_FOUND,
                   _("Cannot load the module “%s”: %s"), display, problem);
      return FALSE;
    }

  module.path = g_strdup (path);
  g_array_append_val (self->modules, module);
  return TRUE;
}

/* Remembers the first problem, for the caller of a task to learn it from a worker. */
static void
load_modules (TvmWorkerRuntime   *self,
              const char * const *settings)
{
  for (; *settings != NULL && self->module_error == NULL; settings++)
    if (g_str_has_prefix (*settings, MODULE_SETTING))
      load_module (self, *settings + strlen (MODULE_SETTING), &self->module_error);
}

/* Looks in the module itself: dlsym() also finds what the libraries behind it have, which are no
 * functions for tasks. */
static gpointer
find_in_module (const Module *module,
                const char   *name)
{
  gpointer symbol = dlsym (module->handle, name);
  struct link_map *map = NULL;
  struct link_map *found = NULL;
  const ElfW (Sym) *entry = NULL;
  Dl_info info;

  if (symbol == NULL
      || dlinfo (module->handle, RTLD_DI_LINKMAP, &map) != 0
      || dladdr1 (symbol, &info, (void **) &found, RTLD_DL_LINKMAP) == 0
      || dladdr1 (symbol, &info, (void **) &entry, RTLD_DL_SYMENT) == 0)
    return NULL;

  /* The type is in the lower half, for 32 and for 64 bits. */
  if (found != map || entry == NULL || (entry->st_info & 0xf) != STT_FUNC)
    return NULL;
  return symbol;
}

static void
set_unknown (TvmWorkerRuntime  *self,
             const char        *name,
             GError           **error)
{
  g_autofree char *display = NULL;

  if (self->modules->len != 1)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("The worker “%s” has no function “%s”"), self->program, name);
      return;
    }

  display = g_filename_display_name (g_array_index (self->modules, Module, 0).path);
  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
               _("The module “%s” has no function “%s”"), display, name);
}

static const TvmWorkerFunction *
find_function (TvmWorkerRuntime  *self,
               const char        *name,
               GError           **error)
{
  TvmWorkerFunction *function = g_hash_table_lookup (self->functions, name);

  for (guint i = 0; function == NULL && i < self->modules->len; i++)
    {
      gpointer symbol = find_in_module (&g_array_index (self->modules, Module, i), name);

      if (symbol == NULL)
        continue;

      function = g_new0 (TvmWorkerFunction, 1);
      /* The one way from a symbol to a function that C allows */
      *(gpointer *) &function->module_func = symbol;
      tvm_worker_runtime_add (self, name, function);
    }

  if (function == NULL)
    set_unknown (self, name, error);
  return function;
}

static GVariant *
call_function (TvmWorkerRuntime      *self,
               const TvmChannelCall  *call,
               const char            *name,
               GVariant              *args,
               GError               **error)
{
  const TvmWorkerFunction *function = find_function (self, name, error);
  g_autoptr (GVariant) value = NULL;
  GError *own_error = NULL;

  if (function == NULL)
    return NULL;

  if (function->func != NULL)
    value = function->func (args, call->cancellable, function->user_data, &own_error);
  else
    value = function->module_func (args, call->cancellable, &own_error);

  if (value != NULL)
    value = g_variant_take_ref (g_steal_pointer (&value));
  if (own_error != NULL)
    {
      g_propagate_error (error, own_error);
      return NULL;
    }

  if (value == NULL)
    g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
                 _("The function “%s” returned neither a value nor an error"), name);
  return g_steal_pointer (&value);
}

/* Returns: (transfer full): the result of the task that is in the payload of @call */
static GVariant *
run_payload (TvmWorkerRuntime      *self,
             const TvmChannelCall  *call,
             GError               **error)
{
  g_autoptr (GVariant) args = NULL;
  const char *name;

  if (!tvm_variant_read_task (call->payload, &name, &args))
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("The task is not the name and the arguments of a function"));
      return NULL;
    }

  return call_function (self, call, name, args, error);
}

/* A serialised variant of type "v" is the value, a zero byte and the type string. */
static void
send_value (TvmChannel *channel,
            guint64     id,
            GVariant   *value)
{
  g_autoptr (GVariant) normal = NULL;
  const char *type = g_variant_get_type_string (value);
  struct iovec parts[3];

  /* It may be made of bytes from anywhere. */
  normal = tvm_variant_is_normal (value) ? g_variant_ref (value)
                                         : g_variant_get_normal_form (value);
  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (normal);

      g_variant_unref (normal);
      normal = swapped;
    }

  parts[0] = (struct iovec) { (gpointer) g_variant_get_data (normal), g_variant_get_size (normal) };
  parts[1] = (struct iovec) { (gpointer) "", 1 };
  parts[2] = (struct iovec) { (gpointer) type, strlen (type) };
  tvm_channel_send_result (channel, id, parts, G_N_ELEMENTS (parts));
}

static void
run_call (TvmWorkerRuntime     *self,
          TvmChannel           *channel,
          const TvmChannelCall *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = run_payload (self, call, &error);

  if (value != NULL)
    send_value (channel, call->id, value);
  else
    tvm_channel_send_gerror (channel, call->id, error);
}

static int
report (TvmWorkerRuntime *self,
        const GError     *error)
{
  /* Nobody needed it any more before it was there. */
  if (!g_error_matches (error, TVM_CHANNEL_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    fprintf (stderr, "%s: %s\n", self->program, error->message);
  return EXIT_FAILURE;
}

/* Returns: the exit status of this worker */
static int
serve (TvmWorkerRuntime *self,
       TvmWorkerRole     role)
{
  g_autoptr (TvmChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  channel = tvm_channel_open (role, self->program, PAYLOAD_TYPE, self->funcs, &error);
  if (channel == NULL)
    return report (self, error);

  for (;;)
    {
      g_auto (TvmChannelCall) call = { 0 };

      switch (tvm_channel_next (channel, &call, &error))
        {
        case TVM_CHANNEL_SETUP:
          load_modules (self, tvm_channel_get_settings (channel));
          if (self->module_error == NULL)
            break;
          tvm_channel_send_gerror (channel, 0, self->module_error);
          return EXIT_FAILURE;

        case TVM_CHANNEL_CALL:
          run_call (self, channel, &call);
          break;

        case TVM_CHANNEL_END:
          return EXIT_SUCCESS;

        case TVM_CHANNEL_FAILED:
          return report (self, error);
        }
    }
}

/* Returns: whether this is the forked worker, ready to serve */
static gboolean
fork_worker (TvmNursery *nursery)
{
  pid_t pid;

  /* Or both would print it. */
  fflush (NULL);
  pid = fork ();
  if (pid != 0)
    {
      tvm_nursery_parent (nursery, pid, pid < 0 ? errno : 0);
      return FALSE;
    }

  if (tvm_nursery_child (nursery) != 0)
    _exit (127);
  return TRUE;
}

/* What the nursery registered for its exit is for its own, and to run the destructors of all
 * libraries in every short life costs as much as the fork. */
static void G_GNUC_NORETURN
serve_and_exit (TvmWorkerRuntime *self)
{
  int status = serve (self, TVM_WORKER_ROLE_FD);

  fflush (NULL);
  _exit (status);
}

static int
serve_nursery (TvmWorkerRuntime *self)
{
  TvmNursery *nursery = tvm_nursery_new (TVM_WORKER_CHANNEL_FD, self->program, PAYLOAD_TYPE, true);

  if (nursery == NULL)
    {
      fprintf (stderr, "%s: %s\n", self->program, g_strerror (errno));
      return EXIT_FAILURE;
    }

  for (;;)
    {
      g_auto (GStrv) strings = NULL;
      const char *settings;
      size_t length;

      switch (tvm_nursery_next (nursery, &settings, &length))
        {
        case TVM_NURSERY_FORK:
          if (fork_worker (nursery))
            serve_and_exit (self);
          break;

        case TVM_NURSERY_SETUP:
          strings = tvm_channel_split_settings (settings, length);
          load_modules (self, (const char * const *) strings);
          break;

        case TVM_NURSERY_END:
          tvm_nursery_free (nursery);
          return EXIT_SUCCESS;
        }
    }
}

int
tvm_worker_runtime_run (TvmWorkerRuntime *self,
                        const char       *program,
                        TvmWorkerRole     role)
{
  g_free (self->program);
  self->program = g_strdup (program);
  if (role == TVM_WORKER_ROLE_NURSERY)
    return serve_nursery (self);
  return serve (self, role);
}
