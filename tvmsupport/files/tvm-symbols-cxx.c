/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-symbols-private.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

/* What only code of C++ refers to: the Itanium ABI's runtime and its mangled names */
static gboolean
is_cxx_name (const char *name)
{
  return g_str_has_prefix (name, "_ZN") || g_str_has_prefix (name, "_ZS") ||
         g_str_has_prefix (name, "_ZT") || g_str_has_prefix (name, "_Zn") ||
         g_str_has_prefix (name, "_Zd") || g_str_has_prefix (name, "__cxa_throw") ||
         g_str_has_prefix (name, "__cxa_begin_catch") || g_str_has_prefix (name, "__cxa_guard") ||
         g_str_has_prefix (name, "__cxa_pure_virtual") ||
         g_str_has_prefix (name, "__gxx_personality");
}

static gboolean
section_refers_to_cxx (Elf      *elf,
                       Elf_Scn  *section,
                       GElf_Shdr *header)
{
  Elf_Data *data = elf_getdata (section, NULL);
  gsize n = header->sh_entsize > 0 ? header->sh_size / header->sh_entsize : 0;
  gsize i;

  for (i = 0; data != NULL && i < n; i++)
    {
      GElf_Sym symbol;
      const char *name;

      if (gelf_getsym (data, i, &symbol) == NULL || symbol.st_shndx != SHN_UNDEF)
        continue;

      name = elf_strptr (elf, header->sh_link, symbol.st_name);
      if (name != NULL && is_cxx_name (name))
        return TRUE;
    }

  return FALSE;
}

static gboolean
object_refers_to_cxx (Elf *elf)
{
  Elf_Scn *section = NULL;

  while ((section = elf_nextscn (elf, section)) != NULL)
    {
      GElf_Shdr header;

      /* A shared library brings its own needs along, and has no .symtab that counts here. */
      if (gelf_getshdr (section, &header) != NULL && header.sh_type == SHT_SYMTAB &&
          section_refers_to_cxx (elf, section, &header))
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_relocatable (Elf *elf)
{
  GElf_Ehdr header;

  return gelf_getehdr (elf, &header) != NULL && header.e_type == ET_REL;
}

static gboolean
descriptor_refers_to_cxx (int           fd,
                          GCancellable *cancellable)
{
  Elf *file = elf_begin (fd, ELF_C_READ_MMAP, NULL);
  Elf_Cmd command = ELF_C_READ_MMAP;
  gboolean found = FALSE;
  Elf *member;

  while (!found && !g_cancellable_is_cancelled (cancellable) &&
         (member = elf_begin (fd, command, file)) != NULL)
    {
      if (elf_kind (member) == ELF_K_ELF && is_relocatable (member))
        found = object_refers_to_cxx (member);
      command = elf_next (member);
      elf_end (member);
    }

  elf_end (file);
  return found;
}

gboolean
tvm_symbols_need_cxx (const char * const *paths,
                      const char         *cwd,
                      GCancellable       *cancellable)
{
  gboolean found = FALSE;
  guint i;

  elf_version (EV_CURRENT);
  for (i = 0; !found && paths[i] != NULL; i++)
    {
      g_autofree char *path = g_canonicalize_filename (paths[i], cwd);
      int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

      if (fd < 0)
        continue;

      found = descriptor_refers_to_cxx (fd, cancellable);
      close (fd);
    }

  return found;
}
