/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"

#include "tvmsupport/tvm-enums.h"

#include <string.h>

/**
 * TvmCompileRequest:
 *
 * What to make of which inputs: the settings of one compile, link or archive.
 *
 * A request is a plain set of values. It can be used for any number of compiles, by any number of
 * compilers. A compile takes a snapshot when it starts, so the request may be changed at once for
 * the next one; those of a batch start one after the other, and must be left alone until it has
 * ended. A request must not be changed by two threads at a time.
 *
 * ```c
 * g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
 * const char *options[] = { "-O3", "-march=native", NULL };
 *
 * tvm_compile_request_add_input (request, "kernel.c", TVM_LANGUAGE_AUTO);
 * tvm_compile_request_set_options (request, options);
 * tvm_compile_request_set_output (request, "kernel.so");
 * tvm_compile_request_set_timeout (request, 10000);
 * ```
 *
 * Relative paths are relative to [property@TvmSupport.CompileRequest:working-directory] where that
 * is set, and else to the current directory of the application.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TvmCompileRequest, tvm_compile_request, G_TYPE_OBJECT)

typedef enum
{
  PROP_KIND = 1,
  PROP_OUTPUT,
  PROP_OPTIONS,
  PROP_LINK_OPTIONS,
  PROP_LIBRARIES,
  PROP_WORKING_DIRECTORY,
  PROP_ENVIRON,
  PROP_CCACHE_ENVIRON,
  PROP_ARCHIVER,
  PROP_ARCH,
  PROP_NAME_EXPRESSIONS,
  PROP_TIMEOUT,
  PROP_MEMORY_LIMIT,
  PROP_OUTPUT_LIMIT,
  PROP_PIC,
} TvmCompileRequestProperty;

static GParamSpec *obj_props[PROP_PIC + 1];

#define DEFAULT_OUTPUT_LIMIT (16 * 1024 * 1024)

static gboolean
strv_equal0 (const char * const *a,
             const char * const *b)
{
  if (a == NULL || b == NULL)
    return a == b;

  return g_strv_equal (a, b);
}

static void
set_strv (TvmCompileRequest          *self,
          char                     ***field,
          const char * const         *value,
          TvmCompileRequestProperty   prop)
{
  char **old = *field;

  if (strv_equal0 ((const char * const *) old, value))
    return;

  /* @value may be what the field holds */
  *field = g_strdupv ((char **) value);
  g_strfreev (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[prop]);
}

static void
set_string (TvmCompileRequest          *self,
            char                      **field,
            const char                 *value,
            TvmCompileRequestProperty   prop)
{
  char *old = *field;

  if (g_strcmp0 (old, value) == 0)
    return;

  *field = g_strdup (value);
  g_free (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[prop]);
}

static void
tvm_compile_request_get_property (GObject    *object,
                                  guint       prop_id,
                                  GValue     *value,
                                  GParamSpec *pspec)
{
  TvmCompileRequest *self = TVM_COMPILE_REQUEST (object);

  switch ((TvmCompileRequestProperty) prop_id)
    {
    case PROP_KIND:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_OUTPUT:
      g_value_set_string (value, self->output);
      break;
    case PROP_OPTIONS:
      g_value_set_boxed (value, self->options);
      break;
    case PROP_LINK_OPTIONS:
      g_value_set_boxed (value, self->link_options);
      break;
    case PROP_LIBRARIES:
      g_value_set_boxed (value, self->libraries);
      break;
    case PROP_WORKING_DIRECTORY:
      g_value_set_string (value, self->working_directory);
      break;
    case PROP_ENVIRON:
      g_value_set_boxed (value, self->environ_);
      break;
    case PROP_CCACHE_ENVIRON:
      g_value_set_boxed (value, self->ccache_environ);
      break;
    case PROP_ARCHIVER:
      g_value_set_string (value, self->archiver);
      break;
    case PROP_ARCH:
      g_value_set_string (value, self->arch);
      break;
    case PROP_NAME_EXPRESSIONS:
      g_value_set_boxed (value, self->name_expressions);
      break;
    case PROP_TIMEOUT:
      g_value_set_int64 (value, self->timeout_msec);
      break;
    case PROP_MEMORY_LIMIT:
      g_value_set_uint64 (value, self->memory_limit);
      break;
    case PROP_OUTPUT_LIMIT:
      g_value_set_uint64 (value, self->output_limit);
      break;
    case PROP_PIC:
      g_value_set_boolean (value, self->pic);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_compile_request_set_property (GObject      *object,
                                  guint         prop_id,
                                  const GValue *value,
                                  GParamSpec   *pspec)
{
  TvmCompileRequest *self = TVM_COMPILE_REQUEST (object);

  switch ((TvmCompileRequestProperty) prop_id)
    {
    case PROP_KIND:
      self->kind = g_value_get_enum (value);
      break;
    case PROP_OUTPUT:
      tvm_compile_request_set_output (self, g_value_get_string (value));
      break;
    case PROP_OPTIONS:
      tvm_compile_request_set_options (self, g_value_get_boxed (value));
      break;
    case PROP_LINK_OPTIONS:
      tvm_compile_request_set_link_options (self, g_value_get_boxed (value));
      break;
    case PROP_LIBRARIES:
      tvm_compile_request_set_libraries (self, g_value_get_boxed (value));
      break;
    case PROP_WORKING_DIRECTORY:
      tvm_compile_request_set_working_directory (self, g_value_get_string (value));
      break;
    case PROP_ENVIRON:
      tvm_compile_request_set_environ (self, g_value_get_boxed (value));
      break;
    case PROP_CCACHE_ENVIRON:
      tvm_compile_request_set_ccache_environ (self, g_value_get_boxed (value));
      break;
    case PROP_ARCHIVER:
      tvm_compile_request_set_archiver (self, g_value_get_string (value));
      break;
    case PROP_ARCH:
      tvm_compile_request_set_arch (self, g_value_get_string (value));
      break;
    case PROP_NAME_EXPRESSIONS:
      tvm_compile_request_set_name_expressions (self, g_value_get_boxed (value));
      break;
    case PROP_TIMEOUT:
      tvm_compile_request_set_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_MEMORY_LIMIT:
      tvm_compile_request_set_memory_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_OUTPUT_LIMIT:
      tvm_compile_request_set_output_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_PIC:
      tvm_compile_request_set_pic (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_compile_request_finalize (GObject *object)
{
  TvmCompileRequest *self = TVM_COMPILE_REQUEST (object);

  g_ptr_array_unref (self->inputs);
  g_free (self->output);
  g_strfreev (self->options);
  g_strfreev (self->link_options);
  g_strfreev (self->libraries);
  g_free (self->working_directory);
  g_strfreev (self->environ_);
  g_strfreev (self->ccache_environ);
  g_free (self->archiver);
  g_free (self->arch);
  g_strfreev (self->name_expressions);
  g_free (self->side_stem);
  g_free (self->work_folder);

  G_OBJECT_CLASS (tvm_compile_request_parent_class)->finalize (object);
}

static void
install_strv_properties (void)
{
  /**
   * TvmCompileRequest:options:
   *
   * Options for the compiler driver, in order. Each step gets those that concern it: what only a
   * linker uses, such as `-lfoo`, goes to the link, behind the inputs and before
   * [property@TvmSupport.CompileRequest:link-options].
   *
   * The kind says what is made, so `-c` says nothing new and is left out, and a compile with `-S`,
   * `-E` or `-o` fails with %TVM_ERROR_INVALID_ARGUMENT.
   *
   * Since: 1.0
   */
  obj_props[PROP_OPTIONS] =
    g_param_spec_boxed ("options", NULL, NULL, G_TYPE_STRV,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TvmCompileRequest:link-options:
   *
   * The options of the link alone; they stand behind the inputs, so that `-lfoo` among them
   * resolves against static libraries too.
   *
   * Since: 1.0
   */
  obj_props[PROP_LINK_OPTIONS] =
    g_param_spec_boxed ("link-options", NULL, NULL, G_TYPE_STRV,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TvmCompileRequest:libraries:
   *
   * The libraries to link, without `-l`; they stand last.
   *
   * Since: 1.0
   */
  obj_props[PROP_LIBRARIES] =
    g_param_spec_boxed ("libraries", NULL, NULL, G_TYPE_STRV,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TvmCompileRequest:environ:
   *
   * Changes to the environment of the tools, as `NAME=VALUE`; the rest is the environment of the
   * application.
   *
   * Since: 1.0
   */
  obj_props[PROP_ENVIRON] =
    g_param_spec_boxed ("environ", NULL, NULL, G_TYPE_STRV,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TvmCompileRequest:ccache-environ:
   *
   * If not %NULL, compile steps run through `ccache` with these `NAME=VALUE` changes to its
   * environment; an empty array turns it on and changes nothing.
   *
   * Since: 1.0
   */
  obj_props[PROP_CCACHE_ENVIRON] =
    g_param_spec_boxed ("ccache-environ", NULL, NULL, G_TYPE_STRV,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
}

static void
tvm_compile_request_class_init (TvmCompileRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags =
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tvm_compile_request_get_property;
  object_class->set_property = tvm_compile_request_set_property;
  object_class->finalize = tvm_compile_request_finalize;

  /**
   * TvmCompileRequest:kind:
   *
   * What is made.
   *
   * Since: 1.0
   */
  obj_props[PROP_KIND] =
    g_param_spec_enum ("kind", NULL, NULL, TVM_TYPE_COMPILE_KIND, TVM_COMPILE_KIND_OBJECT,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TvmCompileRequest:output: (type filename)
   *
   * The file to make. It appears whole or not at all; an earlier file of that name stays as it was
   * when the compile fails, and a symbolic link of that name is replaced. If %NULL, the result
   * carries the bytes instead.
   *
   * What options such as `--coverage` and `-gsplit-dwarf` make a compiler write besides goes beside
   * the output. Only GCC from version 11 on can be told so; other compilers then write an object
   * in place, and cannot link sources at once.
   *
   * Since: 1.0
   */
  obj_props[PROP_OUTPUT] = g_param_spec_string ("output", NULL, NULL, NULL, flags);

  /**
   * TvmCompileRequest:working-directory: (type filename)
   *
   * The directory that the tools run in, or %NULL for that of the application.
   *
   * Since: 1.0
   */
  obj_props[PROP_WORKING_DIRECTORY] =
    g_param_spec_string ("working-directory", NULL, NULL, NULL, flags);

  /**
   * TvmCompileRequest:archiver: (type filename)
   *
   * The command that makes static libraries, or %NULL for the one that belongs to the compiler.
   *
   * Since: 1.0
   */
  obj_props[PROP_ARCHIVER] = g_param_spec_string ("archiver", NULL, NULL, NULL, flags);

  /**
   * TvmCompileRequest:arch:
   *
   * The architecture of the GPU that code is made for, such as `sm_90a`, or several with commas
   * between them where the output has room for several; %NULL for what the compiler takes by
   * itself. Compilers that make code for no GPU do not look at it.
   *
   * Since: 1.0
   */
  obj_props[PROP_ARCH] = g_param_spec_string ("arch", NULL, NULL, NULL, flags);

  /**
   * TvmCompileRequest:name-expressions:
   *
   * C++ expressions that name kernels or variables of the GPU, such as `scale<float>`. Templates
   * among them are made, and [method@TvmSupport.CompileResult.get_lowered_name] says what each is
   * called in the output. Only [class@TvmSupport.NvrtcCompiler] looks at them.
   *
   * Since: 1.0
   */
  obj_props[PROP_NAME_EXPRESSIONS] =
    g_param_spec_boxed ("name-expressions", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * TvmCompileRequest:timeout:
   *
   * How long each tool may run, in milliseconds; -1 for no limit. One that runs longer is killed
   * with all its descendants, and [property@TvmSupport.CompileResult:timed-out] is set.
   *
   * Since: 1.0
   */
  obj_props[PROP_TIMEOUT] =
    g_param_spec_int64 ("timeout", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * TvmCompileRequest:memory-limit:
   *
   * How much address space each process of a tool may use, in bytes; 0 for no limit.
   *
   * Since: 1.0
   */
  obj_props[PROP_MEMORY_LIMIT] =
    g_param_spec_uint64 ("memory-limit", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * TvmCompileRequest:output-limit:
   *
   * How much of what each tool prints is kept, in bytes per stream. Of more, the first and the last
   * half of the limit are kept, and [property@TvmSupport.CompileResult:truncated] is set.
   *
   * Since: 1.0
   */
  obj_props[PROP_OUTPUT_LIMIT] =
    g_param_spec_uint64 ("output-limit", NULL, NULL, 0, G_MAXUINT64, DEFAULT_OUTPUT_LIMIT, flags);

  /**
   * TvmCompileRequest:pic:
   *
   * Whether objects are compiled as position-independent code, so that they can go into a shared
   * library. [property@TvmSupport.CompileRequest:options] come later on the command line and win.
   *
   * Since: 1.0
   */
  obj_props[PROP_PIC] = g_param_spec_boolean ("pic", NULL, NULL, TRUE, flags);

  install_strv_properties ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_compile_request_init (TvmCompileRequest *self)
{
  self->inputs = g_ptr_array_new_with_free_func (tvm_compile_input_free);
  self->timeout_msec = -1;
  self->output_limit = DEFAULT_OUTPUT_LIMIT;
  self->pic = TRUE;
}

/**
 * tvm_compile_request_new:
 * @kind: what to make
 *
 * Makes a request with no inputs.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
TvmCompileRequest *
tvm_compile_request_new (TvmCompileKind kind)
{
  return g_object_new (TVM_TYPE_COMPILE_REQUEST, "kind", kind, NULL);
}

/**
 * tvm_compile_request_get_kind: (get-property kind)
 * @self: a request
 *
 * Gets what is made.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
TvmCompileKind
tvm_compile_request_get_kind (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), TVM_COMPILE_KIND_OBJECT);

  return self->kind;
}

/**
 * tvm_compile_request_get_output: (get-property output)
 * @self: a request
 *
 * Gets the file to make.
 *
 * Returns: (transfer none) (nullable) (type filename): the value
 *
 * Since: 1.0
 */
const char *
tvm_compile_request_get_output (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return self->output;
}

/**
 * tvm_compile_request_set_output: (set-property output)
 * @self: a request
 * @output: (nullable) (type filename): the new value
 *
 * Sets the file to make.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_output (TvmCompileRequest *self,
                                const char        *output)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_string (self, &self->output, output, PROP_OUTPUT);
}

/**
 * tvm_compile_request_dup_options: (get-property options)
 * @self: a request
 *
 * Gets what [property@TvmSupport.CompileRequest:options] is.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_options (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdupv (self->options);
}

/**
 * tvm_compile_request_set_options: (set-property options)
 * @self: a request
 * @options: (nullable) (array zero-terminated=1) (element-type filename): the new value, which is
 *   copied
 *
 * Sets what [property@TvmSupport.CompileRequest:options] is.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_options (TvmCompileRequest  *self,
                                 const char * const *options)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_strv (self, &self->options, options, PROP_OPTIONS);
}

/**
 * tvm_compile_request_dup_link_options: (get-property link-options)
 * @self: a request
 *
 * Gets what [property@TvmSupport.CompileRequest:link-options] is.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_link_options (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdupv (self->link_options);
}

/**
 * tvm_compile_request_set_link_options: (set-property link-options)
 * @self: a request
 * @link_options: (nullable) (array zero-terminated=1) (element-type filename): the new value, which
 *   is copied
 *
 * Sets what [property@TvmSupport.CompileRequest:link-options] is.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_link_options (TvmCompileRequest  *self,
                                      const char * const *link_options)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_strv (self, &self->link_options, link_options, PROP_LINK_OPTIONS);
}

/**
 * tvm_compile_request_dup_libraries: (get-property libraries)
 * @self: a request
 *
 * Gets what [property@TvmSupport.CompileRequest:libraries] is.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_libraries (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdupv (self->libraries);
}

/**
 * tvm_compile_request_set_libraries: (set-property libraries)
 * @self: a request
 * @libraries: (nullable) (array zero-terminated=1) (element-type filename): the new value, which is
 *   copied
 *
 * Sets what [property@TvmSupport.CompileRequest:libraries] is.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_libraries (TvmCompileRequest  *self,
                                   const char * const *libraries)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_strv (self, &self->libraries, libraries, PROP_LIBRARIES);
}

/**
 * tvm_compile_request_dup_environ: (get-property environ)
 * @self: a request
 *
 * Gets what [property@TvmSupport.CompileRequest:environ] is.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_environ (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdupv (self->environ_);
}

/**
 * tvm_compile_request_set_environ: (set-property environ)
 * @self: a request
 * @environ_: (nullable) (array zero-terminated=1) (element-type filename): the new value, which is
 *   copied
 *
 * Sets what [property@TvmSupport.CompileRequest:environ] is.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_environ (TvmCompileRequest  *self,
                                 const char * const *environ_)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_strv (self, &self->environ_, environ_, PROP_ENVIRON);
}

/**
 * tvm_compile_request_dup_ccache_environ: (get-property ccache-environ)
 * @self: a request
 *
 * Gets what [property@TvmSupport.CompileRequest:ccache-environ] is.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_ccache_environ (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdupv (self->ccache_environ);
}

/**
 * tvm_compile_request_set_ccache_environ: (set-property ccache-environ)
 * @self: a request
 * @ccache_environ: (nullable) (array zero-terminated=1) (element-type filename): the new value,
 *   which is copied
 *
 * Sets what [property@TvmSupport.CompileRequest:ccache-environ] is.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_ccache_environ (TvmCompileRequest  *self,
                                        const char * const *ccache_environ)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_strv (self, &self->ccache_environ, ccache_environ, PROP_CCACHE_ENVIRON);
}

/**
 * tvm_compile_request_get_working_directory: (get-property working-directory)
 * @self: a request
 *
 * Gets the directory that the tools run in.
 *
 * Returns: (transfer none) (nullable) (type filename): the value
 *
 * Since: 1.0
 */
const char *
tvm_compile_request_get_working_directory (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return self->working_directory;
}

/**
 * tvm_compile_request_set_working_directory: (set-property working-directory)
 * @self: a request
 * @working_directory: (nullable) (type filename): the new value
 *
 * Sets the directory that the tools run in.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_working_directory (TvmCompileRequest *self,
                                           const char        *working_directory)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_string (self, &self->working_directory, working_directory, PROP_WORKING_DIRECTORY);
}

/**
 * tvm_compile_request_dup_archiver: (get-property archiver)
 * @self: a request
 *
 * Gets the command that makes static libraries.
 *
 * Returns: (transfer full) (nullable) (type filename): a copy
 *
 * Since: 1.0
 */
char *
tvm_compile_request_dup_archiver (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdup (self->archiver);
}

/**
 * tvm_compile_request_set_archiver: (set-property archiver)
 * @self: a request
 * @archiver: (nullable) (type filename): the new value
 *
 * Sets the command that makes static libraries.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_archiver (TvmCompileRequest *self,
                                  const char        *archiver)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_string (self, &self->archiver, archiver, PROP_ARCHIVER);
}

/**
 * tvm_compile_request_get_arch: (get-property arch)
 * @self: a request
 *
 * Gets the architecture of the GPU that code is made for.
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
const char *
tvm_compile_request_get_arch (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return self->arch;
}

/**
 * tvm_compile_request_set_arch: (set-property arch)
 * @self: a request
 * @arch: (nullable): the new value
 *
 * Sets the architecture of the GPU that code is made for.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_arch (TvmCompileRequest *self,
                              const char        *arch)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_string (self, &self->arch, arch, PROP_ARCH);
}

/**
 * tvm_compile_request_set_name_expressions: (set-property name-expressions)
 * @self: a request
 * @name_expressions: (nullable) (array zero-terminated=1): the new value, which is copied
 *
 * Sets the expressions whose names in the output are wanted.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_name_expressions (TvmCompileRequest  *self,
                                          const char * const *name_expressions)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  set_strv (self, &self->name_expressions, name_expressions, PROP_NAME_EXPRESSIONS);
}

/**
 * tvm_compile_request_get_timeout: (get-property timeout)
 * @self: a request
 *
 * Gets how long each tool may run.
 *
 * Returns: the value
 *
 * Since: 1.0
 */
gint64
tvm_compile_request_get_timeout (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), -1);

  return self->timeout_msec;
}

/**
 * tvm_compile_request_set_timeout: (set-property timeout)
 * @self: a request
 * @timeout_msec: the new value, in milliseconds; -1 for no limit
 *
 * Sets how long each tool may run.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_timeout (TvmCompileRequest *self,
                                 gint64             timeout_msec)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));
  g_return_if_fail (timeout_msec >= -1);

  if (self->timeout_msec == timeout_msec)
    return;

  self->timeout_msec = timeout_msec;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_TIMEOUT]);
}

/**
 * tvm_compile_request_get_memory_limit: (get-property memory-limit)
 * @self: a request
 *
 * Gets how much address space each process of a tool may use.
 *
 * Returns: the value
 *
 * Since: 1.0
 */
guint64
tvm_compile_request_get_memory_limit (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), 0);

  return self->memory_limit;
}

/**
 * tvm_compile_request_set_memory_limit: (set-property memory-limit)
 * @self: a request
 * @memory_limit: the new value, in bytes; 0 for no limit
 *
 * Sets how much address space each process of a tool may use.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_memory_limit (TvmCompileRequest *self,
                                      guint64            memory_limit)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  if (self->memory_limit == memory_limit)
    return;

  self->memory_limit = memory_limit;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MEMORY_LIMIT]);
}

/**
 * tvm_compile_request_get_output_limit: (get-property output-limit)
 * @self: a request
 *
 * Gets how much of what each tool prints is kept.
 *
 * Returns: the value
 *
 * Since: 1.0
 */
guint64
tvm_compile_request_get_output_limit (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), 0);

  return self->output_limit;
}

/**
 * tvm_compile_request_set_output_limit: (set-property output-limit)
 * @self: a request
 * @output_limit: the new value, in bytes per stream
 *
 * Sets how much of what each tool prints is kept.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_output_limit (TvmCompileRequest *self,
                                      guint64            output_limit)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  if (self->output_limit == output_limit)
    return;

  self->output_limit = output_limit;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_OUTPUT_LIMIT]);
}

/**
 * tvm_compile_request_get_pic: (get-property pic)
 * @self: a request
 *
 * Gets whether objects are compiled as position-independent code.
 *
 * Returns: the value
 *
 * Since: 1.0
 */
gboolean
tvm_compile_request_get_pic (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), FALSE);

  return self->pic;
}

/**
 * tvm_compile_request_set_pic: (set-property pic)
 * @self: a request
 * @pic: the new value
 *
 * Sets whether objects are compiled as position-independent code.
 *
 * Since: 1.0
 */
void
tvm_compile_request_set_pic (TvmCompileRequest *self,
                             gboolean           pic)
{
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));

  pic = !!pic;
  if (self->pic == pic)
    return;

  self->pic = pic;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_PIC]);
}
