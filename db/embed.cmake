# Writes OUT/sql.h and OUT/sql.c: each file of query/ as a string of its own, found by an enum made
# of its name, and the steps of schema/ in the order of their numbers.
#   cmake -D IN=SOURCE/db -D OUT=BUILD/db -P embed.cmake
function(quote file ret)
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n\t\"" text "${text}")
  set(${ret} "\"${text}\"" PARENT_SCOPE)
endfunction()

file(GLOB queries ${IN}/query/*.sql)
file(GLOB steps ${IN}/schema/*.sql)
list(SORT queries)
list(SORT steps)

set(names "")
set(strings "")
foreach(file ${queries})
  get_filename_component(name ${file} NAME_WE)
  string(TOUPPER SQL_${name} name)
  quote(${file} text)
  string(APPEND names "\t${name},\n")
  string(APPEND strings "\t[${name}] =\n\t${text},\n")
endforeach()

set(n_steps 0)
set(schema "")
foreach(file ${steps})
  math(EXPR n_steps "${n_steps} + 1")
  get_filename_component(name ${file} NAME_WE)
  if(NOT name MATCHES "^0*${n_steps}_")
    message(FATAL_ERROR "${file}: its number must be ${n_steps}, it becomes the user_version")
  endif()
  quote(${file} text)
  string(APPEND schema "\t${text},\n")
endforeach()

set(head "/* Made by db/embed.cmake. */\n")
file(WRITE ${OUT}/sql.h "${head}#pragma once\n\nenum sql {\n${names}\tN_SQL,\n};\n
#define N_SQL_SCHEMA ${n_steps}\n
extern const char *const sql_queries[N_SQL];\nextern const char *const sql_schema[N_SQL_SCHEMA];\n")
file(WRITE ${OUT}/sql.c "${head}#include \"db/sql.h\"\n
const char *const sql_queries[N_SQL] = {\n${strings}};\n
const char *const sql_schema[N_SQL_SCHEMA] = {\n${schema}};\n")
