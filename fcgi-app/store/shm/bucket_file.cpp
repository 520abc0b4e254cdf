#include "store/shm/bucket_file.h"

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

using shm::SharedFile;

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

// F_RDLCK, F_WRLCK or F_UNLCK, without waiting.
bool set_lock(const SharedFile& file, off_t byte, int type) {
  struct flock lock {};
  lock.l_type = static_cast<decltype(lock.l_type)>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return fcntl(file.fd(), F_OFD_SETLK, &lock) == 0;
}

tl::unexpected<Error> nothing_there(const std::string& path) {
  return fail(ErrorCode::kNotFound, path + ": no worker has counted here yet");
}

// At start-up only, and the kernel wakes nobody at a time limit: so it asks each millisecond.
Result<void> lock_opening(const SharedFile& file, Duration wait) {
  constexpr timespec kPause{0, 1'000'000};
  for (Duration waited{}; !set_lock(file, kOpening, F_WRLCK);
       waited += std::chrono::milliseconds(1)) {
    if (errno != EAGAIN && errno != EACCES) return file.system_error("cannot lock");
    if (waited >= wait) return file.refuse("another process is opening it, and does not end");
    nanosleep(&kPause, nullptr);
  }
  return {};
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
Result<bool> must_make(const SharedFile& file, std::size_t bytes, bool alone) {
  ShmHeader header{};
  const ssize_t size = pread(file.fd(), &header, sizeof header, 0);
  if (size < 0) return file.system_error("cannot read");
  const bool has_magic = size >= static_cast<ssize_t>(sizeof header.magic);
  if (size == 0 || (has_magic && header.magic == kForming)) return true;
  if (!has_magic || header.magic != kReady) {
    return file.refuse("holds something else; name another path, or remove the file");
  }
  if (header.layout != kLayout) {
    return file.refuse("is of another version of Sluice; stop all workers and remove the file");
  }
  if (alone && header.boot_id != boot_id()) return true;
  if (header.bytes != bytes || file.size() != bytes) {
    return file.refuse(
        fmt::format("has {} bytes where {} are configured; configure its size, or "
                    "stop all workers and remove the file",
                    file.size(), bytes));
  }
  if (!alone && header.pid_namespace != pid_namespace()) {
    return file.refuse("is in use in another PID namespace; name a path for each container");
  }
  return false;
}

Result<void> form(const SharedFile& file, const BucketFile::Options& options) {
  if (ftruncate(file.fd(), 0) != 0) return file.system_error("cannot truncate");
  if (pwrite(file.fd(), &kForming, sizeof kForming, 0) != sizeof kForming) {
    return file.system_error("cannot write");
  }
  if (options.on_step) options.on_step("forming");
  auto reserved = file.reserve(0, options.bytes);
  if (!reserved) return reserved;
  if (options.on_step) options.on_step("reserved");
  return {};
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

Result<BucketFile> BucketFile::open(const std::string& path, const Options& options) {
  if (options.bytes < kMinBytes || options.bytes > kMaxBytes) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: {} bytes are configured; from {} to {} are possible", path,
                            options.bytes, kMinBytes, kMaxBytes));
  }
  auto file = SharedFile::open(path, options.create, shm::Access::kOwner);
  if (!file && file.error().code == ErrorCode::kNotFound) return nothing_there(path);
  if (!file) return tl::unexpected(file.error());
  const auto locked = lock_opening(*file, options.open_wait);
  if (!locked) return tl::unexpected(locked.error());
  const bool alone = set_lock(*file, kInUse, F_WRLCK);
  const auto make = must_make(*file, options.bytes, alone);
  if (!make) return tl::unexpected(make.error());
  if (*make && !alone) return file->refuse("is damaged; stop all workers and remove the file");
  if (*make && !options.create) return nothing_there(path);
  if (*make) {
    const auto formed = form(*file, options);
    if (!formed) return tl::unexpected(formed.error());
  }
  BucketFile made(std::move(*file));
  if (!made.map(options.bytes)) return made.file_.system_error("cannot map");
  if (*make && !made.fill_header(options.bytes)) return made.file_.system_error("getrandom");
  if (alone && !made.adopt(options.on_step)) return made.file_.system_error("cannot make a mutex");
  if (!set_lock(made.file_, kInUse, F_RDLCK)) return made.file_.system_error("cannot lock");
  set_lock(made.file_, kOpening, F_UNLCK);
  return made;
}

BucketFile::BucketFile(BucketFile&& other) noexcept
    : file_(std::move(other.file_)),
      memory_(std::exchange(other.memory_, {})),
      slots_(other.slots_),
      marks_(other.marks_),
      blocks_(other.blocks_) {}

BucketFile::~BucketFile() {
  if (!memory_.empty()) munmap(memory_.data(), memory_.size());
}

bool BucketFile::map(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.fd(), 0);
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
bool BucketFile::fill_header(std::size_t bytes) const {
  ShmHeader& h = header();
  h.layout = kLayout;
  h.bytes = bytes;
  h.boot_id = boot_id();
  return getrandom(h.hash_seed.data(), sizeof h.hash_seed, 0) == sizeof h.hash_seed;
}

// REQUIRES: nobody else uses the file.
bool BucketFile::adopt(ShmStep on_step) const {
  ShmHeader& h = header();
  h.stale = 1;
  h.pid_namespace = pid_namespace();
  if (!make_mutex(h.mutex)) return false;
  if (on_step) on_step("filled");
  std::atomic_ref(h.magic).store(kReady, std::memory_order_release);
  if (on_step) on_step("ready");
  return true;
}

int BucketFile::lock(Duration wait) const {
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
