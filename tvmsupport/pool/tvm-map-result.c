/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-result-private.h"

#include "tvmsupport/tvm-enums.h"

/**
 * TvmMapResult:
 *
 * What became of one task of a [class@TvmSupport.MapIterator].
 *
 * The failure of a task is a result, and ends nothing: the tasks behind it go on.
 *
 * ```c
 * static void
 * print_all (TvmMapIterator *iterator)
 * {
 *   TvmMapResult *result;
 *
 *   while ((result = tvm_map_iterator_next (iterator, NULL, NULL)) != NULL)
 *     {
 *       const GError *error = tvm_map_result_get_error (result);
 *
 *       g_print ("%" G_GUINT64_FORMAT ": %s\n", tvm_map_result_get_index (result),
 *                error != NULL ? error->message : "done");
 *       g_object_unref (result);
 *     }
 * }
 * ```
 *
 * A result never changes. It can be used by any number of threads.
 *
 * Since: 1.0
 */

struct _TvmMapResult
{
  GObject parent_instance;

  guint64 index;
  TvmTaskResult *result;    /* (owned) (nullable): NULL if it was not made by an iterator */
};

G_DEFINE_FINAL_TYPE (TvmMapResult, tvm_map_result, G_TYPE_OBJECT)

typedef enum
{
  PROP_INDEX = 1,
  PROP_STATUS,
  PROP_VALUE,
  PROP_ERROR,
  PROP_TASK_RESULT,
} TvmMapResultProperty;

static GParamSpec *obj_props[PROP_TASK_RESULT + 1];

static void
tvm_map_result_get_property (GObject    *object,
                             guint       prop_id,
                             GValue     *value,
                             GParamSpec *pspec)
{
  TvmMapResult *self = TVM_MAP_RESULT (object);

  switch ((TvmMapResultProperty) prop_id)
    {
    case PROP_INDEX:
      g_value_set_uint64 (value, self->index);
      break;
    case PROP_STATUS:
      g_value_set_enum (value, tvm_map_result_get_status (self));
      break;
    case PROP_VALUE:
      g_value_set_variant (value, tvm_map_result_get_value (self));
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, tvm_map_result_get_error (self));
      break;
    case PROP_TASK_RESULT:
      g_value_set_object (value, self->result);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_map_result_finalize (GObject *object)
{
  TvmMapResult *self = TVM_MAP_RESULT (object);

  g_clear_object (&self->result);

  G_OBJECT_CLASS (tvm_map_result_parent_class)->finalize (object);
}

static void
tvm_map_result_class_init (TvmMapResultClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = tvm_map_result_get_property;
  object_class->finalize = tvm_map_result_finalize;

  /**
   * TvmMapResult:index:
   *
   * Which task it was, counted from 0 in the order of the input.
   *
   * Since: 1.0
   */
  obj_props[PROP_INDEX] =
    g_param_spec_uint64 ("index", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * TvmMapResult:status:
   *
   * What became of the task.
   *
   * Since: 1.0
   */
  obj_props[PROP_STATUS] =
    g_param_spec_enum ("status", NULL, NULL, TVM_TYPE_STATUS_KIND, TVM_STATUS_KIND_RUNNING, flags);

  /**
   * TvmMapResult:value:
   *
   * What the function returned, or %NULL if there is no such value.
   *
   * Since: 1.0
   */
  obj_props[PROP_VALUE] =
    g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags);

  /**
   * TvmMapResult:error:
   *
   * Why there is no value, or %NULL if the task is complete; see
   * [property@TvmSupport.TaskResult:error].
   *
   * Since: 1.0
   */
  obj_props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);

  /**
   * TvmMapResult:task-result:
   *
   * All that is known about the task.
   *
   * Since: 1.0
   */
  obj_props[PROP_TASK_RESULT] =
    g_param_spec_object ("task-result", NULL, NULL, TVM_TYPE_TASK_RESULT, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_map_result_init (TvmMapResult *self)
{
}

TvmMapResult *
tvm_map_result_new (guint64        index,
                    TvmTaskResult *result)
{
  TvmMapResult *self = g_object_new (TVM_TYPE_MAP_RESULT, NULL);

  self->index = index;
  self->result = result;
  return self;
}

/**
 * tvm_map_result_get_index: (get-property index)
 * @self: a result
 *
 * Gets which task it was.
 *
 * Returns: the position of the task in the input, from 0
 *
 * Since: 1.0
 */
guint64
tvm_map_result_get_index (TvmMapResult *self)
{
  g_return_val_if_fail (TVM_IS_MAP_RESULT (self), 0);

  return self->index;
}

/**
 * tvm_map_result_get_status: (get-property status)
 * @self: a result
 *
 * Gets what became of the task.
 *
 * Returns: the status
 *
 * Since: 1.0
 */
TvmStatusKind
tvm_map_result_get_status (TvmMapResult *self)
{
  g_return_val_if_fail (TVM_IS_MAP_RESULT (self), TVM_STATUS_KIND_RUNNING);

  return self->result != NULL ? self->result->status : TVM_STATUS_KIND_RUNNING;
}

/**
 * tvm_map_result_get_value: (get-property value)
 * @self: a result
 *
 * Gets what the function returned.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is none
 *
 * Since: 1.0
 */
GVariant *
tvm_map_result_get_value (TvmMapResult *self)
{
  g_return_val_if_fail (TVM_IS_MAP_RESULT (self), NULL);

  return self->result != NULL ? self->result->value : NULL;
}

/**
 * tvm_map_result_get_error: (get-property error)
 * @self: a result
 *
 * Gets why there is no value.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if the task is complete
 *
 * Since: 1.0
 */
const GError *
tvm_map_result_get_error (TvmMapResult *self)
{
  g_return_val_if_fail (TVM_IS_MAP_RESULT (self), NULL);

  return self->result != NULL ? self->result->error : NULL;
}

/**
 * tvm_map_result_check:
 * @self: a result
 * @error: a #GError
 *
 * Turns the failure of the task into a #GError, as [method@TvmSupport.TaskResult.check] does.
 *
 * Perl and Ruby, which cannot take an error as a value, use this and not
 * [method@TvmSupport.MapResult.get_error].
 *
 * Returns: %TRUE if the task worked, %FALSE with @error set if it did not
 *
 * Since: 1.0
 */
gboolean
tvm_map_result_check (TvmMapResult  *self,
                      GError       **error)
{
  g_return_val_if_fail (TVM_IS_MAP_RESULT (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return tvm_task_result_check (self->result, error);
}

/**
 * tvm_map_result_get_task_result: (get-property task-result)
 * @self: a result
 *
 * Gets all that is known about the task.
 *
 * Returns: (transfer none): the result of the task
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_map_result_get_task_result (TvmMapResult *self)
{
  g_return_val_if_fail (TVM_IS_MAP_RESULT (self), NULL);

  return self->result;
}
