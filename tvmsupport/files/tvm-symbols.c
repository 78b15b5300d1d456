/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-symbols-private.h"

#include "tvmsupport/files/tvm-elf-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Names of the versions that symbols of a .dynsym have, by their number */
typedef struct
{
  Elf_Data *versym;             /* (nullable) (not owned): the number for each symbol */
  GPtrArray *names;             /* (element-type utf8): as libelf has them; NULL for the base */
  GArray *required;             /* (element-type gboolean): those that another library defines */
} Versions;

typedef struct
{
  Elf *elf;
  GElf_Ehdr ehdr;
  const char *display;
  size_t shstrndx;
  size_t n_sections;

  Elf_Data *symbols;
  size_t entry_size;
  size_t strings;               /* index of the section */
  Elf_Data *shndx;              /* (nullable): section indices past 65279 */
  Versions versions;
  char *letters;                /* of the sections, 0 until asked for */
} SymbolTable;

static void
symbol_table_clear (SymbolTable *self)
{
  g_clear_pointer (&self->versions.names, g_ptr_array_unref);
  g_clear_pointer (&self->versions.required, g_array_unref);
  g_clear_pointer (&self->letters, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SymbolTable, symbol_table_clear)

static gboolean
set_libelf_error (SymbolTable  *self,
                  GError      **error)
{
  const char *message = elf_errmsg (-1);

  return tvm_elf_set_invalid_error (error, self->display,
                                    message != NULL ? message : _("its tables are inconsistent"));
}

/* Sections of these names are told by them, since PE has no better way, whatever the format. */
static char
get_letter_by_name (const char *name)
{
  static const struct { const char *name; char letter; } sections[] = {
    { ".drectve", 'i' }, { ".edata", 'e' }, { ".idata", 'i' }, { ".pdata", 'p' },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      gsize length = strlen (sections[i].name);

      if (strncmp (name, sections[i].name, length) == 0
          && (name[length] == '\0' || strchr (".$0123456789", name[length]) != NULL))
        return sections[i].letter;
    }

  return 0;
}

static gboolean
is_debug_section (const char *name)
{
  static const char *const prefixes[] = {
    ".debug", ".zdebug", ".gnu.debuglto_.debug_", ".gnu.linkonce.wi.", ".line", ".stab",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      if (g_str_has_prefix (name, prefixes[i]))
        return TRUE;
    }

  return g_str_equal (name, ".gdb_index");
}

/* What addresses relative to a global pointer: the three machines happen to agree on the flag. */
static gboolean
is_small_section (const GElf_Ehdr *ehdr,
                  const GElf_Shdr *shdr)
{
  return (ehdr->e_machine == EM_MIPS || ehdr->e_machine == EM_ALPHA
          || ehdr->e_machine == EM_IA_64)
         && (shdr->sh_flags & SHF_MIPS_GPREL) != 0;
}

/* The small letter of what is in a section */
static char
get_section_letter (SymbolTable *self,
                    size_t       index)
{
  Elf_Scn *scn = elf_getscn (self->elf, index);
  GElf_Shdr shdr;
  const char *name;
  gboolean small;
  gboolean in_file;
  char letter;

  /* nm takes what is in a section that is not there for absolute. */
  if (scn == NULL || gelf_getshdr (scn, &shdr) == NULL)
    return 'a';

  name = elf_strptr (self->elf, self->shstrndx, shdr.sh_name);
  if (name == NULL)
    name = "";
  letter = get_letter_by_name (name);
  if (letter != 0)
    return letter;

  small = is_small_section (&self->ehdr, &shdr);
  in_file = shdr.sh_type != SHT_NOBITS;
  if ((shdr.sh_flags & SHF_EXECINSTR) != 0)
    return 't';
  if (in_file && (shdr.sh_flags & SHF_ALLOC) != 0)
    {
      if ((shdr.sh_flags & SHF_WRITE) == 0)
        return 'r';
      return small ? 'g' : 'd';
    }
  if (!in_file)
    return small ? 's' : 'b';
  if ((shdr.sh_flags & SHF_ALLOC) == 0 && is_debug_section (name))
    return 'N';
  return (shdr.sh_flags & SHF_WRITE) == 0 ? 'n' : '?';
}

static gboolean
is_common (SymbolTable *self,
           size_t       section,
           gboolean    *small)
{
  *small = self->ehdr.e_machine == EM_MIPS && section == SHN_MIPS_SCOMMON;
  return section == SHN_COMMON || *small
         || (self->ehdr.e_machine == EM_MIPS && section == SHN_MIPS_ACOMMON)
         || (self->ehdr.e_machine == EM_X86_64 && section == 0xff02 /* large common */);
}

/* Returns: what `nm -g --defined-only` prints, or 0 if it does not print the symbol
 * @section: with an extended index resolved, in which case @reserved is FALSE */
static char
get_letter (SymbolTable     *self,
            const GElf_Sym  *symbol,
            size_t           section,
            gboolean         reserved)
{
  const int bind = GELF_ST_BIND (symbol->st_info);
  const int type = GELF_ST_TYPE (symbol->st_info);
  gboolean small;
  char letter;

  if (section == SHN_UNDEF || type == STT_SECTION || type == STT_FILE)
    return 0;
  if (reserved && is_common (self, section, &small))
    return small ? 'c' : 'C';
  if (bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE)
    return 0;

  if (type == STT_GNU_IFUNC)
    return 'i';
  if (bind == STB_WEAK)
    return type == STT_OBJECT || type == STT_COMMON ? 'V' : 'W';
  if (bind == STB_GNU_UNIQUE)
    return 'u';
  if (reserved || section >= self->n_sections)
    return 'A';

  if (self->letters == NULL)
    self->letters = g_malloc0 (self->n_sections);
  if (self->letters[section] == 0)
    self->letters[section] = get_section_letter (self, section);
  letter = self->letters[section];
  return g_ascii_toupper (letter);
}

/* Returns: (nullable): the section of @type, the first if there are several */
static Elf_Scn *
find_section (Elf        *elf,
              GElf_Word   type,
              GElf_Shdr  *shdr)
{
  Elf_Scn *scn = NULL;

  while ((scn = elf_nextscn (elf, scn)) != NULL)
    {
      if (gelf_getshdr (scn, shdr) != NULL && shdr->sh_type == type)
        return scn;
    }

  return NULL;
}

static void
set_version (Versions   *self,
             guint       index,
             const char *name,
             gboolean    required)
{
  index &= 0x7fff;
  if (index >= self->names->len)
    {
      g_ptr_array_set_size (self->names, index + 1);
      g_array_set_size (self->required, index + 1);
    }

  self->names->pdata[index] = (gpointer) name;
  g_array_index (self->required, gboolean, index) = required;
}

/* What the library itself defines. A chain that leads back cannot go on forever: each entry
 * advances by an unsigned number, and libelf checks the offset against the section. */
static void
read_defined_versions (SymbolTable *self)
{
  GElf_Shdr shdr;
  Elf_Scn *scn = find_section (self->elf, SHT_GNU_verdef, &shdr);
  Elf_Data *data = scn != NULL ? elf_getdata (scn, NULL) : NULL;
  size_t offset = 0;

  while (data != NULL)
    {
      GElf_Verdef def;
      GElf_Verdaux aux;

      if (gelf_getverdef (data, offset, &def) == NULL)
        return;
      if (def.vd_flags != VER_FLG_BASE
          && gelf_getverdaux (data, offset + def.vd_aux, &aux) != NULL)
        set_version (&self->versions, def.vd_ndx,
                     elf_strptr (self->elf, shdr.sh_link, aux.vda_name), FALSE);
      if (def.vd_next == 0)
        return;
      offset += def.vd_next;
    }
}

/* Those of other libraries: an executable has copies of their variables. */
static void
read_required_versions (SymbolTable *self)
{
  GElf_Shdr shdr;
  Elf_Scn *scn = find_section (self->elf, SHT_GNU_verneed, &shdr);
  Elf_Data *data = scn != NULL ? elf_getdata (scn, NULL) : NULL;
  size_t offset = 0;

  while (data != NULL)
    {
      GElf_Verneed need;
      GElf_Vernaux aux;
      size_t aux_offset;

      if (gelf_getverneed (data, offset, &need) == NULL)
        return;
      aux_offset = offset + need.vn_aux;
      for (guint i = 0; i < need.vn_cnt; i++)
        {
          if (gelf_getvernaux (data, aux_offset, &aux) == NULL)
            break;
          set_version (&self->versions, aux.vna_other,
                       elf_strptr (self->elf, shdr.sh_link, aux.vna_name), TRUE);
          if (aux.vna_next == 0)
            break;
          aux_offset += aux.vna_next;
        }
      if (need.vn_next == 0)
        return;
      offset += need.vn_next;
    }
}

static void
read_versions (SymbolTable *self)
{
  GElf_Shdr shdr;
  Elf_Scn *scn = find_section (self->elf, SHT_GNU_versym, &shdr);

  if (scn == NULL)
    return;

  self->versions.versym = elf_getdata (scn, NULL);
  self->versions.names = g_ptr_array_new ();
  self->versions.required = g_array_new (FALSE, TRUE, sizeof (gboolean));
  read_defined_versions (self);
  read_required_versions (self);
}

/* Returns: whether the file has a table of symbols; FALSE also with an error */
static gboolean
open_table (SymbolTable  *self,
            GError      **error)
{
  GElf_Shdr shdr, shndx;
  gboolean dynamic = FALSE;
  Elf_Scn *scn = find_section (self->elf, SHT_SYMTAB, &shdr);

  if (scn == NULL)
    {
      scn = find_section (self->elf, SHT_DYNSYM, &shdr);
      dynamic = TRUE;
    }
  if (scn == NULL)
    return FALSE;

  self->symbols = elf_getdata (scn, NULL);
  self->entry_size = gelf_fsize (self->elf, ELF_T_SYM, 1, EV_CURRENT);
  self->strings = shdr.sh_link;
  if (self->symbols == NULL || self->symbols->d_size != shdr.sh_size || self->entry_size == 0)
    return set_libelf_error (self, error);

  if (dynamic)
    read_versions (self);
  else if ((scn = find_section (self->elf, SHT_SYMTAB_SHNDX, &shndx)) != NULL)
    self->shndx = elf_getdata (scn, NULL);
  return TRUE;
}

/* The version of a symbol of .dynsym */
static void
look_up_version (SymbolTable *self,
                 int          index,
                 TvmSymbol   *symbol)
{
  const char *name;
  GElf_Versym versym;
  guint number;

  if (self->versions.versym == NULL
      || gelf_getversym (self->versions.versym, index, &versym) == NULL)
    return;

  number = versym & 0x7fff;
  if (number >= self->versions.names->len)
    return;

  /* A version defines a symbol of its own name, which has none. */
  name = self->versions.names->pdata[number];
  if (name == NULL || name[0] == '\0' || g_str_equal (name, symbol->name))
    return;

  symbol->version = name;
  symbol->is_default = (versym & 0x8000) == 0
                       && !g_array_index (self->versions.required, gboolean, number);
}

/* In .symtab the version is a part of the name. */
static void
split_version (TvmSymbol *symbol,
               GString   *buffer)
{
  const char *at = strchr (symbol->name, '@');
  const char *version;

  if (at == NULL || at == symbol->name)
    return;
  version = at + (at[1] == '@' ? 2 : 1);
  if (version[0] == '\0')
    return;

  g_string_truncate (buffer, 0);
  g_string_append_len (buffer, symbol->name, at - symbol->name);
  symbol->name = buffer->str;
  symbol->version = version;
  symbol->is_default = at[1] == '@';
}

/* Where nm needs the plugin of the compiler */
static gboolean
is_slim_lto (const TvmSymbol *symbol)
{
  return symbol->letter == 'C' && g_str_has_prefix (symbol->name, "__gnu_lto_slim");
}

typedef struct
{
  TvmSymbolFunc func;
  gpointer user_data;
} SymbolVisit;

static gboolean
walk_table (SymbolTable        *self,
            const SymbolVisit  *visit,
            GError            **error)
{
  g_autoptr (GString) buffer = g_string_new (NULL);
  const size_t n = MIN (self->symbols->d_size / self->entry_size, G_MAXINT);

  for (size_t i = 1; i < n; i++)
    {
      GElf_Sym sym;
      Elf32_Word extended = 0;
      TvmSymbol symbol = { NULL };
      size_t section;
      gboolean reserved;

      if (gelf_getsymshndx (self->symbols, self->shndx, i, &sym, &extended) == NULL)
        return set_libelf_error (self, error);

      section = sym.st_shndx == SHN_XINDEX ? extended : sym.st_shndx;
      reserved = sym.st_shndx >= SHN_LORESERVE && sym.st_shndx != SHN_XINDEX;
      symbol.letter = get_letter (self, &sym, section, reserved);
      if (symbol.letter == 0)
        continue;

      symbol.name = elf_strptr (self->elf, self->strings, sym.st_name);
      if (symbol.name == NULL)
        return set_libelf_error (self, error);
      if (is_slim_lto (&symbol))
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                       _("“%s” is of a format that is not read directly: %s"), self->display,
                       "GCC LTO");
          return FALSE;
        }

      if (self->versions.versym != NULL)
        look_up_version (self, i, &symbol);
      else
        split_version (&symbol, buffer);
      visit->func (&symbol, visit->user_data);
    }

  return TRUE;
}

static gboolean
open_elf (SymbolTable  *self,
          Elf          *elf,
          const char   *display,
          GError      **error)
{
  self->elf = elf;
  self->display = display;
  if (gelf_getehdr (elf, &self->ehdr) == NULL
      || elf_getshdrnum (elf, &self->n_sections) != 0
      || elf_getshdrstrndx (elf, &self->shstrndx) != 0)
    return set_libelf_error (self, error);
  return TRUE;
}

static gboolean
visit_symbols (Elf         *elf,
               const char  *display,
               gpointer     user_data,
               GError     **error)
{
  g_auto (SymbolTable) table = { NULL };
  g_autoptr (GError) local_error = NULL;

  if (!open_elf (&table, elf, display, error))
    return FALSE;

  /* Without a table there are no symbols. */
  if (open_table (&table, &local_error))
    return walk_table (&table, user_data, error);
  if (local_error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
tvm_symbols_foreach_global (const char     *path,
                            TvmSymbolFunc   func,
                            gpointer        user_data,
                            GCancellable   *cancellable,
                            GError        **error)
{
  SymbolVisit visit = { func, user_data };

  return tvm_elf_foreach (path, FALSE, visit_symbols, &visit, cancellable, error);
}

/* Eight bytes at a time: g_str_hash(), which takes each by itself, is a third of the time that a
 * table of mangled names takes. */
static guint
hash_name (gconstpointer key)
{
  const guint64 factor = G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  const char *name = key;
  gsize length = strlen (name);
  guint64 hash = length * factor;
  guint64 word;

  for (; length >= sizeof word; length -= sizeof word, name += sizeof word)
    {
      memcpy (&word, name, sizeof word);
      hash = (hash ^ word) * factor;
      hash ^= hash >> 29;
    }

  word = 0;
  memcpy (&word, name, length);
  hash = (hash ^ word) * factor;
  return (guint) (hash ^ (hash >> 32));
}

GHashTable *
tvm_symbols_table_new (void)
{
  return g_hash_table_new_full (hash_name, g_str_equal, g_free, g_free);
}

/* Nearly every name is ASCII: that is seen faster than it is validated. */
static char *
dup_valid_name (const char *name)
{
  const guint64 high_bits = G_GUINT64_CONSTANT (0x8080808080808080);
  gsize length = strlen (name);
  guint64 bits = 0;
  gsize i;

  for (i = 0; length - i >= sizeof bits; i += sizeof bits)
    {
      guint64 word;

      memcpy (&word, name + i, sizeof word);
      bits |= word;
    }
  for (; i < length; i++)
    bits |= (guint64) (guchar) name[i];

  if ((bits & high_bits) != 0)
    return g_utf8_make_valid (name, length);
  return g_memdup2 (name, length + 1);
}

static void
add_to_table (const TvmSymbol *symbol,
              gpointer         user_data)
{
  GHashTable *table = user_data;
  const char letter[] = { symbol->letter, '\0' };

  if (symbol->version != NULL && !symbol->is_default
      && g_hash_table_contains (table, symbol->name))
    return;

  g_hash_table_replace (table, dup_valid_name (symbol->name), g_memdup2 (letter, sizeof letter));
}

void
tvm_symbols_table_add (GHashTable *table,
                       const char *name,
                       char        letter)
{
  g_autoptr (GString) buffer = g_string_new (NULL);
  TvmSymbol symbol = { .name = name, .letter = letter };

  split_version (&symbol, buffer);
  add_to_table (&symbol, table);
}

GHashTable *
tvm_symbols_read_global (const char    *path,
                         GCancellable  *cancellable,
                         GError       **error)
{
  g_autoptr (GHashTable) table = tvm_symbols_table_new ();

  if (!tvm_symbols_foreach_global (path, add_to_table, table, cancellable, error))
    return NULL;
  return g_steal_pointer (&table);
}
