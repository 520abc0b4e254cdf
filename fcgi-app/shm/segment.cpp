#include "shm/segment.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>

#include "shm/shared_file.h"

namespace sluice::shm {
namespace {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free);

constexpr std::uint64_t kName = 0x6563'6975'6c73;  // "sluice", as the file reads
constexpr unsigned kNameBits = 48;
constexpr std::uint64_t kMark = std::uint64_t{1} << kNameBits | kName;
constexpr std::size_t kHeadBytes = 4096;
constexpr std::size_t kUnit = 64;

constexpr std::string_view kNothing = "has nothing of that yet";
constexpr std::string_view kSomethingElse =
    "holds something else; name another file, or remove this one";
constexpr std::string_view kOtherVersion =
    "is of another version of Sluice; stop all workers and remove the file";
constexpr std::string_view kDamaged = "is damaged; stop all workers and remove the file";

struct Head {
  Word mark;
  std::array<Word, kHeadBytes / sizeof(Word) - 1> directory;
};
static_assert(sizeof(Head) == kHeadBytes);

std::uint64_t entry_of(const Region& region) {
  const std::uint64_t units = (region.bytes + kUnit - 1) / kUnit;
  return units << 32U | std::uint64_t{region.version} << 16U | region.id;
}

std::size_t bytes_of(std::uint64_t entry) {
  return (entry >> 32U) * kUnit;
}

std::span<std::byte> map_pages(std::size_t bytes, int flags, int fd) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (at == MAP_FAILED) return {};
  return {static_cast<std::byte*>(at), bytes};
}

// The head is marked, if it is of a new file. REQUIRES: the file had this size before; it grows
// behind the head after it is marked.
Result<void> begin(const SharedFile& file, std::size_t size, Head& head, bool create) {
  std::uint64_t mark = 0;
  if (head.mark == mark && size > kHeadBytes) return file.refuse(kSomethingElse);
  if (head.mark == mark && !create) return file.refuse(kNothing, ErrorCode::kNotFound);
  if (head.mark.compare_exchange_strong(mark, kMark) || mark == kMark) return {};
  const bool is_ours = mark << (64U - kNameBits) == kName << (64U - kNameBits);
  return file.refuse(is_ours ? kOtherVersion : kSomethingElse);
}

// Where the region begins. It is added behind the others if it is missing.
Result<std::size_t> offset_of(const SharedFile& file, Head& head, const Region& region,
                              bool create) {
  const std::uint64_t wanted = entry_of(region);
  std::size_t offset = kHeadBytes;
  for (Word& entry : head.directory) {
    std::uint64_t there = entry;
    if (there == 0) {
      if (!create) return file.refuse(kNothing, ErrorCode::kNotFound);
      if (offset > file.size()) return file.refuse(kDamaged);
      const auto reserved = file.reserve(offset, bytes_of(wanted));
      if (!reserved) return tl::unexpected(reserved.error());
      if (entry.compare_exchange_strong(there, wanted)) there = wanted;
    }
    if (there == wanted) return offset;
    offset += bytes_of(there);
  }
  return file.refuse("has no room for another region; stop all workers and remove the file");
}

}  // namespace

Result<Segment> Segment::open(const std::string& path, std::span<const Region> wanted,
                              bool create) {
  const auto file = SharedFile::open(path, create, Access::kOwnerOrRoot);
  if (!file) return tl::unexpected(file.error());
  const std::size_t size = file->size();
  if (size == 0 && !create) return file->refuse(kNothing, ErrorCode::kNotFound);
  if (size > 0 && size < kHeadBytes) return file->refuse(kSomethingElse);
  const auto reserved = size == 0 ? file->reserve(0, kHeadBytes) : Result<void>();
  if (!reserved) return tl::unexpected(reserved.error());
  const Segment head(map_pages(kHeadBytes, MAP_SHARED, file->fd()), {});
  if (head.mapped_.empty()) return file->system_error("cannot map");
  Head& words = *reinterpret_cast<Head*>(head.mapped_.data());
  const auto begun = begin(*file, size, words, create);
  if (!begun) return tl::unexpected(begun.error());
  std::vector<Place> places;
  std::size_t end = kHeadBytes;
  for (const Region& region : wanted) {
    const auto offset = offset_of(*file, words, region, create);
    if (!offset) return tl::unexpected(offset.error());
    places.push_back({region, *offset});
    end = std::max(end, *offset + region.bytes);
  }
  if (end > file->size()) return file->refuse(kDamaged);
  Segment segment(map_pages(end, MAP_SHARED, file->fd()), std::move(places));
  if (segment.mapped_.empty()) return file->system_error("cannot map");
  return segment;
}

Result<Segment> Segment::anonymous(std::span<const Region> wanted) {
  std::vector<Place> places;
  std::size_t end = 0;
  for (const Region& region : wanted) {
    places.push_back({region, end});
    end += bytes_of(entry_of(region));
  }
  Segment segment(map_pages(end, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1),
                  std::move(places));
  if (segment.mapped_.empty()) return fail(ErrorCode::kSystem, std::strerror(errno));
  return segment;
}

Segment::~Segment() {
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
}

std::span<std::byte> Segment::memory(const Region& region) const {
  const auto place = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& at) { return at.region.id == region.id; });
  return mapped_.subspan(place->offset, region.bytes);
}

}  // namespace sluice::shm
