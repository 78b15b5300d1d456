/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"

#include <string.h>

/*
 * What a tool that is written in Python, as emcc is, prints when it gives up in a way that it did
 * not expect: the lines of a traceback, each of them behind blanks, and then the exception, which
 * is what went wrong.
 */
gboolean
tvm_python_read_line (TvmDiagnosticParser *parser,
                      TvmSlice             line)
{
  static const char first[] = "Traceback (most recent call last):";
  TvmHeader header = { TVM_DIAGNOSTIC_SEVERITY_FATAL, };

  if (line.len == strlen (first) && tvm_slice_has_prefix (line, first))
    {
      parser->in_traceback = TRUE;
      return TRUE;
    }
  if (!parser->in_traceback)
    return FALSE;
  if (line.data[0] == ' ')
    return TRUE;

  parser->in_traceback = FALSE;
  header.message = line;
  tvm_parser_add_header (parser, &header);
  return TRUE;
}
