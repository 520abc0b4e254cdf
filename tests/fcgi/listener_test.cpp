#include "fcgi/listener.h"

#include <array>
#include <cstddef>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temporary_directory.h"

namespace sluice::fcgi {
namespace {

class ListenerTest : public testing::Test {
 protected:
  [[nodiscard]] unsigned mode() const {
    struct stat info {};
    EXPECT_EQ(stat(path_.c_str(), &info), 0) << path_;
    return info.st_mode & 07777U;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/s";
};

TEST_F(ListenerTest, ASocketIsForItsOwnerAndGroupWhateverTheUmask) {
  for (const mode_t mask : {0U, 022U, 077U, 0777U}) {
    const mode_t before = umask(mask);
    const auto socket = listen_at(path_);
    EXPECT_EQ(umask(before), mask) << "it is as it was";
    ASSERT_TRUE(socket) << socket.error().detail;
    EXPECT_EQ(mode(), 0660U) << mask;
  }
}

// From here on, chmod() and its like are refused to this process.
bool forbid_changes_of_mode() {
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chmod, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchmodat, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 452 /* fchmodat2 */, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  }};
  const sock_fprog filter{program.size(), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(ListenerTest, NoInstantComesBeforeItsMode) {
  constexpr int kNoFilter = 77;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    umask(0);
    if (!forbid_changes_of_mode()) _exit(kNoFilter);
    _exit(listen_at(path_) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == kNoFilter) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0) << "the mode was changed after the socket was there";
  EXPECT_EQ(mode(), 0660U);
}

TEST_F(ListenerTest, SaysWhereItCannotListen) {
  EXPECT_EQ(listen_at("/nowhere/s").error().detail, "/nowhere/s: No such file or directory");
  EXPECT_EQ(listen_at(std::string(108, 'x')).error().detail,
            std::string(108, 'x') + ": File name too long");
}

TEST_F(ListenerTest, KnowsWhetherPeersComeOverTheNetwork) {
  const auto unix_socket = listen_at(path_);
  ASSERT_TRUE(unix_socket);
  EXPECT_FALSE(is_network_socket(*unix_socket));
  EXPECT_TRUE(is_network_socket(UniqueFd(socket(AF_INET, SOCK_STREAM, 0))));
  EXPECT_TRUE(is_network_socket(UniqueFd(socket(AF_INET6, SOCK_STREAM, 0))));
}

}  // namespace
}  // namespace sluice::fcgi
