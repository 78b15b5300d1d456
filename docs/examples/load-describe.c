/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a shared library that was made from the sources of tvmsupport, and prints what its
 * tvm_describe() says: load-describe LIBRARY
 *
 * It is not linked with libtvmsupport: one process cannot hold two copies, because both would
 * register the same types. */
#include <dlfcn.h>
#include <gio/gio.h>
#include <locale.h>

typedef char *(* DescribeFunc) (GCancellable *cancellable,
                                GError      **error);

int
main (int    argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  DescribeFunc describe;
  void *library;

  setlocale (LC_ALL, "");
  if (argc != 2)
    {
      g_printerr ("usage: load-describe LIBRARY\n");
      return 2;
    }

  library = dlopen (argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    {
      g_printerr ("%s\n", dlerror ());
      return 1;
    }
  describe = (DescribeFunc) dlsym (library, "tvm_describe");
  if (describe == NULL)
    {
      g_printerr ("%s\n", dlerror ());
      return 1;
    }

  text = describe (NULL, &error);
  if (text == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_print ("%s", text);

  /* The types of the library stay registered, so it must stay loaded. */
  return 0;
}
