/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <gio/gio.h>

/* Bindings find the enum of a domain by its quark. */
static void
test_quark (void)
{
  g_assert_cmpstr (g_quark_to_string (TVM_ERROR), ==, "tvm-error-quark");
}

static void
test_set_errno (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = NULL;

  g_assert_false (tvm_error_set_errno (&error, ENOENT, "Could not open “%s”", "a%sb"));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  expected = g_strdup_printf ("Could not open “a%%sb”: %s", g_strerror (ENOENT));
  g_assert_cmpstr (error->message, ==, expected);

  g_assert_false (tvm_error_set_errno (NULL, ENOENT, "nobody asks"));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/error/quark", test_quark);
  g_test_add_func ("/error/set-errno", test_set_errno);

  return g_test_run ();
}
