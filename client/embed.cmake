# Writes OUT, page.c: each file of IN as an array of bytes, found by its name, with the hash that a
# Content-Security-Policy knows it by.
#   cmake -D IN=SOURCE/client/page -D OUT=BUILD/client/page.c -P embed.cmake
set(base64 ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)

# Of the 32 bytes of a SHA-256: ten times three bytes, and two with 16 bits of 18.
function(hash file ret)
  file(SHA256 ${file} hex)
  set(text "")
  foreach(at RANGE 0 60 6)
    string(SUBSTRING "${hex}00" ${at} 6 three)
    foreach(shift 18 12 6 0)
      math(EXPR digit "(0x${three} >> ${shift}) & 63")
      string(SUBSTRING "${base64}" ${digit} 1 digit)
      string(APPEND text "${digit}")
    endforeach()
  endforeach()
  string(SUBSTRING "${text}" 0 43 text)
  set(${ret} "sha256-${text}=" PARENT_SCOPE)
endfunction()

file(GLOB files ${IN}/*)
list(SORT files)
set(arrays "")
set(rows "")
set(n 0)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  hash(${file} digest)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(................................................................................)"
                       "\\1\n\t" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char page_${n}[] = {\n\t${bytes}0};\n")
  string(APPEND rows "\t{\"${name}\", (const char *)page_${n}, sizeof(page_${n}) - 1, \"${digest}\"},\n")
  math(EXPR n "${n} + 1")
endforeach()

file(WRITE ${OUT} "/* Made by client/embed.cmake. */\n#include \"client/base/page.h\"\n
#include <errno.h>\n#include <string.h>\n
${arrays}
static const struct page {
\tconst char *name;\n\tconst char *data;\n\tsize_t size;\n\tconst char *hash;
} pages[] = {\n${rows}};\n
static const struct page *find(const char *name)\n{
\tfor (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
\t\tif (!strcmp(pages[i].name, name))
\t\t\treturn &pages[i];
\treturn NULL;\n}\n
int page_find(const char *name, const char **ret_data, size_t *ret_size)\n{
\tconst struct page *page = find(name);\n
\tif (!page)\n\t\treturn -ENOENT;
\t*ret_data = page->data;\n\t*ret_size = page->size;\n\treturn 0;\n}\n
const char *page_hash(const char *name)\n{
\tconst struct page *page = find(name);\n
\treturn page ? page->hash : NULL;\n}\n")
