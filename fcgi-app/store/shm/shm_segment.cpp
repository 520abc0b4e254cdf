#include "store/shm/shm_segment.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::store {
namespace {

constexpr std::uint64_t kForming = 0x0a676e696d726f66;  // "forming\n", as the file reads
constexpr std::uint64_t kReady = 0x3120656369756c53;    // "Sluice 1"
constexpr std::uint64_t kVersion = 2;
constexpr std::uint64_t kLayout =
    kVersion << 48U | sizeof(ShmHeader) << 32U | sizeof(ShmBlock) << 16U | sizeof(pthread_mutex_t);
constexpr std::size_t kHeaderBytes = 4096;
static_assert(sizeof(ShmHeader) <= kHeaderBytes);

// The bytes of the file that locks are taken on.
constexpr off_t kOpening = 0;
constexpr off_t kInUse = 1;

tl::unexpected<Error> system_error(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kSystem, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

tl::unexpected<Error> refuse(const std::string& path, std::string_view why) {
  return fail(ErrorCode::kInvalidConfig, fmt::format("{}: {}", path, why));
}

// F_RDLCK, F_WRLCK or F_UNLCK, without waiting.
bool set_lock(const UniqueFd& fd, off_t byte, int type) {
  struct flock lock {};
  lock.l_type = static_cast<decltype(lock.l_type)>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return fcntl(fd.get(), F_OFD_SETLK, &lock) == 0;
}

tl::unexpected<Error> nothing_there(const std::string& path) {
  return fail(ErrorCode::kNotFound, path + ": no worker has counted here yet");
}

Result<UniqueFd> open_file(const std::string& path, bool create) {
  const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0);
  UniqueFd fd(::open(path.c_str(), flags, 0600));
  if (!fd && errno == ENOENT && !create) return nothing_there(path);
  if (!fd) return system_error(path, "cannot open");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return system_error(path, "fstat");
  if (!S_ISREG(info.st_mode)) return refuse(path, "is no ordinary file; name another path");
  if (info.st_uid != geteuid()) return refuse(path, "is another user's; name another path");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return refuse(path, "is open to others; chmod 600");
  return fd;
}

// At start-up only, and the kernel wakes nobody at a time limit: so it asks each millisecond.
Result<bool> lock_opening(const UniqueFd& fd, const std::string& path, Duration wait) {
  constexpr timespec kPause{0, 1'000'000};
  for (Duration waited{}; !set_lock(fd, kOpening, F_WRLCK);
       waited += std::chrono::milliseconds(1)) {
    if (errno != EAGAIN && errno != EACCES) return system_error(path, "cannot lock");
    if (waited >= wait) {
      return fail(ErrorCode::kSystem, path + ": another process is opening it, and does not end");
    }
    nanosleep(&kPause, nullptr);
  }
  return true;
}

std::array<char, 40> boot_id() {
  std::array<char, 40> id{};
  std::ifstream("/proc/sys/kernel/random/boot_id").read(id.data(), id.size() - 1);
  return id;
}

std::uint64_t pid_namespace() {
  struct stat info {};
  return stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

// Whether the file has to be made; if not, it suits. Its opening is locked.
Result<bool> must_make(const UniqueFd& fd, const std::string& path, std::size_t bytes, bool alone) {
  ShmHeader header{};
  const ssize_t size = pread(fd.get(), &header, sizeof header, 0);
  if (size < 0) return system_error(path, "cannot read");
  const bool has_magic = size >= static_cast<ssize_t>(sizeof header.magic);
  if (size == 0 || (has_magic && header.magic == kForming)) return true;
  if (!has_magic || header.magic != kReady) {
    return refuse(path, "holds something else; name another path, or remove the file");
  }
  if (header.layout != kLayout) {
    return refuse(path, "is of another version of Sluice; stop all workers and remove the file");
  }
  if (alone && header.boot_id != boot_id()) return true;
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return system_error(path, "fstat");
  if (header.bytes != bytes || static_cast<std::size_t>(info.st_size) != bytes) {
    return refuse(path, fmt::format("has {} bytes where {} are configured; configure its size, or "
                                    "stop all workers and remove the file",
                                    info.st_size, bytes));
  }
  if (!alone && header.pid_namespace != pid_namespace()) {
    return refuse(path, "is in use in another PID namespace; name a path for each container");
  }
  return false;
}

// Reserves all memory: a store to a page that tmpfs has no room for would be a SIGBUS.
Result<bool> form(const UniqueFd& fd, const std::string& path, const ShmSegment::Options& options) {
  if (ftruncate(fd.get(), 0) != 0) return system_error(path, "cannot truncate");
  if (pwrite(fd.get(), &kForming, sizeof kForming, 0) != sizeof kForming) {
    return system_error(path, "cannot write");
  }
  if (options.on_step) options.on_step("forming");
  errno = posix_fallocate(fd.get(), 0, static_cast<off_t>(options.bytes));
  if (errno != 0) return system_error(path, fmt::format("cannot reserve {} bytes", options.bytes));
  if (options.on_step) options.on_step("reserved");
  return true;
}

timespec monotonic_after(Duration wait) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  const std::int64_t nanoseconds = at.tv_nsec + std::chrono::nanoseconds(wait).count();
  return {at.tv_sec + nanoseconds / kNanoseconds, nanoseconds % kNanoseconds};
}

bool is_before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

bool make_mutex(pthread_mutex_t& mutex) {
  pthread_mutexattr_t attributes{};
  if (pthread_mutexattr_init(&attributes) != 0) return false;
  const bool made = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                    pthread_mutex_init(&mutex, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  return made;
}

}  // namespace

Result<ShmSegment> ShmSegment::open(const std::string& path, const Options& options) {
  if (options.bytes < kMinBytes || options.bytes > kMaxBytes) {
    return refuse(path, fmt::format("{} bytes are configured; from {} to {} are possible",
                                    options.bytes, kMinBytes, kMaxBytes));
  }
  auto fd = open_file(path, options.create);
  if (!fd) return tl::unexpected(fd.error());
  const auto locked = lock_opening(*fd, path, options.open_wait);
  if (!locked) return tl::unexpected(locked.error());
  const bool alone = set_lock(*fd, kInUse, F_WRLCK);
  const auto make = must_make(*fd, path, options.bytes, alone);
  if (!make) return tl::unexpected(make.error());
  if (*make && !alone) return refuse(path, "is damaged; stop all workers and remove the file");
  if (*make && !options.create) return nothing_there(path);
  if (*make) {
    const auto formed = form(*fd, path, options);
    if (!formed) return tl::unexpected(formed.error());
  }
  ShmSegment segment(std::move(*fd));
  if (!segment.map(options.bytes)) return system_error(path, "cannot map");
  if (*make && !segment.fill_header(options.bytes)) return system_error(path, "getrandom");
  if (alone && !segment.adopt(options.on_step)) return system_error(path, "cannot make a mutex");
  if (!set_lock(segment.fd_, kInUse, F_RDLCK)) return system_error(path, "cannot lock");
  set_lock(segment.fd_, kOpening, F_UNLCK);
  return segment;
}

ShmSegment::ShmSegment(ShmSegment&& other) noexcept
    : fd_(std::move(other.fd_)),
      memory_(std::exchange(other.memory_, {})),
      slots_(other.slots_),
      marks_(other.marks_),
      blocks_(other.blocks_) {}

ShmSegment::~ShmSegment() {
  if (!memory_.empty()) munmap(memory_.data(), memory_.size());
}

bool ShmSegment::map(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) return false;
  memory_ = {static_cast<std::byte*>(memory), bytes};
  // Of each block: itself, a slot, and a bit. What is rounded up comes off first.
  constexpr std::size_t kRounding = sizeof(ShmBlock) + sizeof(std::uint64_t) * 2;
  const std::size_t count =
      (bytes - kHeaderBytes - kRounding) * 8 / ((sizeof(ShmBlock) + sizeof(std::uint32_t)) * 8 + 1);
  const std::size_t even = count / 2 * 2;  // so that the words behind the slots are aligned
  std::byte* const slots = memory_.data() + kHeaderBytes;
  std::byte* const marks = slots + even * sizeof(std::uint32_t);
  std::byte* const blocks =
      memory_.data() + bytes / sizeof(ShmBlock) * sizeof(ShmBlock) - even * sizeof(ShmBlock);
  slots_ = {reinterpret_cast<std::uint32_t*>(slots), even};
  marks_ = {reinterpret_cast<std::uint64_t*>(marks), (even + 63) / 64};
  blocks_ = {reinterpret_cast<ShmBlock*>(blocks), even};
  return true;
}

// All else is 0 in a new file.
bool ShmSegment::fill_header(std::size_t bytes) const {
  ShmHeader& h = header();
  h.layout = kLayout;
  h.bytes = bytes;
  h.boot_id = boot_id();
  return getrandom(h.hash_seed.data(), sizeof h.hash_seed, 0) == sizeof h.hash_seed;
}

// REQUIRES: nobody else uses the file.
bool ShmSegment::adopt(ShmStep on_step) const {
  ShmHeader& h = header();
  h.stale = 1;
  h.pid_namespace = pid_namespace();
  if (!make_mutex(h.mutex)) return false;
  if (on_step) on_step("filled");
  std::atomic_ref(h.magic).store(kReady, std::memory_order_release);
  if (on_step) on_step("ready");
  return true;
}

int ShmSegment::lock(Duration wait) const {
  pthread_mutex_t& mutex = header().mutex;
  int result = pthread_mutex_trylock(&mutex);
  if (result != EBUSY || wait <= Duration::zero()) return result;
  const timespec end = monotonic_after(wait);
  // A wake-up can be lost: when one that was to pass it on is killed, and a third takes the mutex
  // before the kernel looks (handle_futex_death() in kernel/futex/core.c wakes another only where
  // the mutex is free by then). So nobody sleeps for longer than this before it looks again.
  constexpr Duration kSlice = std::chrono::milliseconds(1);
  bool last = false;
  do {
    timespec until = monotonic_after(kSlice);
    last = is_before(end, until);
    if (last) until = end;
    result = pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
  } while (result == ETIMEDOUT && !last);
  return result;
}

}  // namespace sluice::store
