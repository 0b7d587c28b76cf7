# What a Debian package has beyond what is installed: compressed manual pages, copyright, changelog.
# Run by cpack, with the tree that is to be packed in CPACK_TEMPORARY_DIRECTORY.
set(share ${CPACK_TEMPORARY_DIRECTORY}/usr/share)
set(documents ${share}/doc/oxprof)

# The changelog of a package ends with the version that it has. It is made here, where a version given
# to cpack by -D is known, too.
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${documents}/changelog.Debian
"oxprof (${version}) unstable; urgency=medium

  * Release ${CPACK_PACKAGE_VERSION}; what is new in it is told in README.md, Changes.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
configure_file(${CPACK_OXPROF_SOURCE_DIR}/README.md ${documents}/README.md COPYONLY)
configure_file(${CPACK_OXPROF_SOURCE_DIR}/LICENSE ${documents}/copyright COPYONLY)

file(GLOB pages ${share}/man/man?/*)
execute_process(
  COMMAND gzip -9n ${pages} ${documents}/changelog.Debian ${documents}/README.md
  RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "cannot compress the documents: gzip: ${result}")
endif()

# The umask of whoever packs is not that of those who install.
execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_DIRECTORY} RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "cannot set the modes of ${CPACK_TEMPORARY_DIRECTORY}: chmod: ${result}")
endif()
