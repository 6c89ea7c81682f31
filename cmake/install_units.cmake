# Runs at install time: writes the schedules with the prefix they are installed under.
# In: source_dir, share_dir (below the prefix). All that lies in systemd/ and cron/ is installed.
file(GLOB units RELATIVE "${source_dir}" "${source_dir}/systemd/*.service" "${source_dir}/systemd/*.timer"
  "${source_dir}/cron/*.cron")
foreach(unit IN LISTS units)
  file(READ "${source_dir}/${unit}" text)
  foreach(folder IN ITEMS libexec share)  # not PATH, which keeps /usr/local/bin
    string(REPLACE "/usr/local/${folder}/" "${CMAKE_INSTALL_PREFIX}/${folder}/" text "${text}")
  endforeach()
  set(target "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${share_dir}/${unit}")
  message(STATUS "Installing: ${target}")
  file(WRITE "${target}" "${text}")
endforeach()
