#include "shared/segment_backing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "pg/debug_point.h"

extern "C" {
#include "storage/fd.h"
}

namespace numpool {

namespace {

// What is set aside without looking at interrupts: some milliseconds.
constexpr std::size_t kStep = std::size_t{16} << 20;

// The file behind a segment of that handle, as PostgreSQL names it; false if it has none.
bool path_of(dsm_handle handle, char* path) {
  if (dynamic_shared_memory_type == DSM_IMPL_POSIX)
    snprintf(path, MAXPGPATH, "/dev/shm/PostgreSQL.%u", handle);
  else if (dynamic_shared_memory_type == DSM_IMPL_MMAP)
    snprintf(path, MAXPGPATH, PG_DYNSHMEM_DIR "/" PG_DYNSHMEM_MMAP_FILE_PREFIX "%u", handle);
  else
    return false;
  return true;
}

[[noreturn]] void report_no_room(const char* path, std::size_t size, int error) {
  errno = error;
  ereport(ERROR, (errcode_for_file_access(),
                  errmsg("could not resize \"%s\" to %zu bytes: %m", path, size)));
}

// Refuses at once what cannot fit, rather than to fill the file system first.
void require_room(int file, const char* path, std::size_t from, std::size_t size) {
  struct statvfs room;
  if (fstatvfs(file, &room) != 0 || room.f_blocks == 0) return;
  if (static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize < size - from)
    report_no_room(path, size, ENOSPC);
}

// Grows the file behind the segment, which has `from` bytes, to `size`; false, and nothing is
// changed, if there is no such file.
bool grow_backing(dsm_segment* segment, std::size_t from, std::size_t size) {
  char path[MAXPGPATH];
  if (!path_of(dsm_segment_handle(segment), path)) return false;
  // Closed by the end of the transaction, if that comes first.
  const int file = OpenTransientFile(path, O_RDWR | PG_BINARY);
  if (file < 0) return false;
  struct stat status;
  if (fstat(file, &status) != 0 || static_cast<std::size_t>(status.st_size) != from) {
    CloseTransientFile(file);
    return false;
  }
  require_room(file, path, from, size);
  for (std::size_t at = from; at < size;) {
    debug_point(DebugPoint::kArenaGrowing);
    CHECK_FOR_INTERRUPTS();
    const std::size_t step = size - at < kStep ? size - at : kStep;
    // Not a hole: a hole that cannot be filled later is a SIGBUS for whoever touches it.
    const int error = posix_fallocate(file, static_cast<off_t>(at), static_cast<off_t>(step));
    if (error == EINTR) continue;
    if (error != 0) report_no_room(path, size, error);
    at += step;
  }
  CloseTransientFile(file);
  return true;
}

}  // namespace

dsm_segment* make_backing(std::size_t size, std::size_t mapped) {
  // NB: not so little that it fits into what the main segment keeps for small ones, which cannot
  // grow.
  std::size_t first = (static_cast<std::size_t>(min_dynamic_shared_memory) << 20) + kStep;
  if (first < mapped) first = mapped;
  if (first < size) {
    dsm_segment* segment = dsm_create(first, 0);
    if (grow_backing(segment, first, size)) return segment;
    // Memory of System V, or of a PostgreSQL that names its files in another way.
    dsm_detach(segment);
  }
  CHECK_FOR_INTERRUPTS();
  return dsm_create(size, 0);
}

}  // namespace numpool
