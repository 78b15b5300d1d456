/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc.h"

#include "tvmsupport/gpu/tvm-cuda-arch.h"
#include "tvmsupport/gpu/tvm-nvjitlink-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  TvmNvJitLinkInput *inputs;
  gsize n_inputs;
  char **options;
} Link;

static void
link_free (gpointer data)
{
  Link *link = data;

  for (gsize i = 0; i < link->n_inputs; i++)
    {
      g_free (link->inputs[i].path);
      g_clear_pointer (&link->inputs[i].bytes, g_bytes_unref);
    }
  g_free (link->inputs);
  g_strfreev (link->options);
  g_free (link);
}

static Link *
link_new (const char * const *files,
          GBytes * const     *images,
          gsize               n_images)
{
  Link *link = g_new0 (Link, 1);
  gsize n_files = files != NULL ? g_strv_length ((char **) files) : 0;

  link->n_inputs = n_files + n_images;
  link->inputs = g_new0 (TvmNvJitLinkInput, link->n_inputs);
  for (gsize i = 0; i < n_files; i++)
    link->inputs[i].path = g_strdup (files[i]);
  for (gsize i = 0; i < n_images; i++)
    link->inputs[n_files + i].bytes = g_bytes_ref (images[i]);

  return link;
}

static gboolean
set_options (Link                *link,
             const char          *arch_name,
             const char * const  *options,
             GError             **error)
{
  g_autoptr (TvmCudaArch) arch = tvm_cuda_arch_parse (arch_name, error);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *name = NULL;
  g_autofree char *option = NULL;

  if (arch == NULL)
    return FALSE;

  name = tvm_cuda_arch_to_string (arch);
  option = g_strconcat ("-arch=", name, NULL);
  g_strv_builder_add (builder, option);
  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (g_str_has_prefix (options[i], "-arch"))
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("The option “%s” contradicts the architecture “%s” of the request"),
                       options[i], arch_name);
          return FALSE;
        }
      g_strv_builder_add (builder, options[i]);
    }

  link->options = g_strv_builder_end (builder);
  return TRUE;
}

static void
link_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  Link *link = task_data;
  gboolean has_lto_option = g_strv_contains ((const char * const *) link->options, "-lto");
  GError *error = NULL;
  GBytes *cubin = tvm_nvjitlink_link (link->inputs, link->n_inputs,
                                      (const char * const *) link->options, has_lto_option, &error);

  if (cubin == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, cubin, (GDestroyNotify) g_bytes_unref);
}

/**
 * tvm_nvcc_link_device_async:
 * @files: (nullable) (array zero-terminated=1) (element-type filename): files to link
 * @images: (nullable) (array length=n_images): contents to link, behind @files
 * @n_images: the number of @images
 * @arch: the architecture, such as `sm_90a`
 * @options: (nullable) (array zero-terminated=1): options of nvJitLink
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Links device code, without blocking. See [func@TvmSupport.nvcc_link_device].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_nvcc_link_device_async (const char * const  *files,
                            GBytes * const      *images,
                            gsize                n_images,
                            const char          *arch,
                            const char * const  *options,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  Link *link;
  GError *error = NULL;

  g_return_if_fail (images != NULL || n_images == 0);
  g_return_if_fail (arch != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_nvcc_link_device_async);
  link = link_new (files, images, n_images);
  g_task_set_task_data (task, link, link_free);

  if (link->n_inputs == 0)
    {
      g_task_return_new_error (task, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                               _("There is no device code to link"));
      return;
    }
  if (!set_options (link, arch, options, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  /* nvJitLink cannot be interrupted: nobody waits for a result that is not wanted. */
  g_task_set_return_on_cancel (task, TRUE);
  tvm_task_run_in_thread (task, link_in_thread);
}

/**
 * tvm_nvcc_link_device_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.nvcc_link_device_async] began. The errors are those of
 * [func@TvmSupport.nvcc_link_device].
 *
 * Returns: (transfer full): a cubin
 *
 * Since: 1.0
 */
GBytes *
tvm_nvcc_link_device_finish (GAsyncResult  *result,
                             GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_nvcc_link_device:
 * @files: (nullable) (array zero-terminated=1) (element-type filename): files to link
 * @images: (nullable) (array length=n_images): contents to link, behind @files
 * @n_images: the number of @images
 * @arch: the architecture, such as `sm_90a`
 * @options: (nullable) (array zero-terminated=1): options of nvJitLink, each in one word
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Links device code to one cubin, with nvJitLink. No GPU is needed.
 *
 * The inputs are any mix of cubins, PTX, fatbins, LTO-IR, and objects and libraries of the host with
 * device code in them; what each of them is, its content says. Code that refers to other code must
 * have been compiled with `-rdc=true`. With LTO-IR among them, the link optimizes all of it.
 *
 * The error is %TVM_ERROR_LINK_FAILED with what nvJitLink printed, %TVM_ERROR_NOT_FOUND if there is
 * no nvJitLink (`libnvJitLink.so.13` or `.12`), with all places that were tried,
 * %TVM_ERROR_UNSUPPORTED if it lacks something, %TVM_ERROR_INVALID_ARGUMENT if there is no input or
 * @arch is none, or a #GIOErrorEnum.
 *
 * Returns: (transfer full): a cubin
 *
 * Since: 1.0
 */
GBytes *
tvm_nvcc_link_device (const char * const  *files,
                      GBytes * const      *images,
                      gsize                n_images,
                      const char          *arch,
                      const char * const  *options,
                      GCancellable        *cancellable,
                      GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (images != NULL || n_images == 0, NULL);
  g_return_val_if_fail (arch != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_nvcc_link_device_async (files, images, n_images, arch, options, cancellable, tvm_sync_ready,
                              &sync);
  return tvm_nvcc_link_device_finish (tvm_sync_wait (&sync), error);
}
