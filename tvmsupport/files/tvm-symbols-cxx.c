/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-symbols-private.h"

#include "tvmsupport/files/tvm-elf-private.h"

#include <string.h>

/* “_ZN4core3fmt17h0123456789abcdefE”: Rust's names begin like those of C++. */
static gboolean
is_rust_name (const char *name)
{
  const gsize length = strlen (name);
  const char *hash = name + length - 20;

  if (length < 22 || strncmp (hash, "17h", 3) != 0 || name[length - 1] != 'E')
    return FALSE;
  for (guint i = 3; i < 19; i++)
    {
      if (!g_ascii_isxdigit (hash[i]))
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_cxx_name (const char *name)
{
  /* Nested names, std, virtual tables and type information, new, delete. A plain function of the
   * user, as _Z3foov, says nothing: its definition does. */
  static const char *const mangled[] = { "_ZN", "_ZS", "_ZT", "_Zn", "_Zd" };
  static const char *const of_libc[] = {
    "__cxa_atexit", "__cxa_finalize", "__cxa_at_quick_exit", "__cxa_thread_atexit_impl", NULL,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (mangled); i++)
    {
      if (g_str_has_prefix (name, mangled[i]))
        return !is_rust_name (name);
    }

  if (g_str_has_prefix (name, "__cxa_"))
    return !g_strv_contains (of_libc, name);
  return g_str_has_prefix (name, "__gxx_personality_");
}

static gboolean
symbols_need_cxx (Elf              *elf,
                  const GElf_Shdr  *shdr,
                  Elf_Data         *data)
{
  const size_t entry_size = gelf_fsize (elf, ELF_T_SYM, 1, EV_CURRENT);
  const size_t n = entry_size > 0 ? MIN (data->d_size / entry_size, G_MAXINT) : 0;

  for (size_t i = 1; i < n; i++)
    {
      GElf_Sym sym;
      const char *name;

      if (gelf_getsym (data, i, &sym) == NULL)
        return FALSE;
      if (sym.st_shndx != SHN_UNDEF)
        continue;
      name = elf_strptr (elf, shdr->sh_link, sym.st_name);
      if (name != NULL && is_cxx_name (name))
        return TRUE;
    }

  return FALSE;
}

/* GCC's objects for link-time optimization alone list their symbols in a section: the name, that of
 * a comdat group, a byte for the kind, one for the visibility, eight for the size, four for the
 * slot. */
static gboolean
lto_symbols_need_cxx (const Elf_Data *data)
{
  enum { KIND_UNDEFINED = 2, KIND_WEAK_UNDEFINED = 3, REST = 14 };
  const char *position = data->d_buf;
  const char *end = position + data->d_size;

  while (position < end)
    {
      const char *name = position;
      const char *group = memchr (name, '\0', end - name);
      const char *rest = group != NULL ? memchr (group + 1, '\0', end - group - 1) : NULL;

      if (rest == NULL || end - rest - 1 < REST)
        return FALSE;
      if ((rest[1] == KIND_UNDEFINED || rest[1] == KIND_WEAK_UNDEFINED) && is_cxx_name (name))
        return TRUE;
      position = rest + 1 + REST;
    }

  return FALSE;
}

static gboolean
section_needs_cxx (Elf      *elf,
                   Elf_Scn  *scn,
                   size_t    shstrndx)
{
  GElf_Shdr shdr;
  Elf_Data *data;
  const char *name;
  gboolean lto;

  if (gelf_getshdr (scn, &shdr) == NULL)
    return FALSE;
  name = elf_strptr (elf, shstrndx, shdr.sh_name);
  lto = shdr.sh_type == SHT_PROGBITS && name != NULL
        && g_str_has_prefix (name, ".gnu.lto_.symtab.");
  if (shdr.sh_type != SHT_SYMTAB && !lto)
    return FALSE;

  data = elf_getdata (scn, NULL);
  if (data == NULL || data->d_buf == NULL)
    return FALSE;
  return lto ? lto_symbols_need_cxx (data) : symbols_need_cxx (elf, &shdr, data);
}

/* Stops at the first that needs it. */
static gboolean
visit_for_cxx (Elf         *elf,
               const char  *display,
               gpointer     user_data,
               GError     **error)
{
  gboolean *needs = user_data;
  Elf_Scn *scn = NULL;
  GElf_Ehdr ehdr;
  size_t shstrndx;

  if (gelf_getehdr (elf, &ehdr) == NULL || ehdr.e_type != ET_REL
      || elf_getshdrstrndx (elf, &shstrndx) != 0)
    return TRUE;

  while (!*needs && (scn = elf_nextscn (elf, scn)) != NULL)
    *needs = section_needs_cxx (elf, scn, shstrndx);
  return !*needs;
}

gboolean
tvm_symbols_need_cxx (const char * const *paths,
                      const char         *cwd,
                      GCancellable       *cancellable)
{
  gboolean needs = FALSE;

  for (guint i = 0; paths[i] != NULL && !needs; i++)
    {
      g_autofree char *path = cwd == NULL || g_path_is_absolute (paths[i])
                                ? g_strdup (paths[i]) : g_build_filename (cwd, paths[i], NULL);

      if (g_cancellable_is_cancelled (cancellable))
        return FALSE;
      (void) tvm_elf_foreach (path, TRUE, visit_for_cxx, &needs, cancellable, NULL);
    }

  return needs;
}
