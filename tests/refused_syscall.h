// What the kernel refuses, for as long as the machine cannot do better: a system call fails in a
// process of its own, as nobody can take the filter away again.
#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice {

struct RefusedCall {
  unsigned number = 0;     // SYS_…
  unsigned error = 0;      // an errno
  unsigned operation = 0;  // where not 0: only if this is the call's second argument
};

// From here on, this process is refused the call. Irrevocable. False if there are no filters here.
[[nodiscard]] inline bool refuse(const RefusedCall& call) {
  const unsigned refusal = SECCOMP_RET_ERRNO | call.error;
  const unsigned otherwise = call.operation == 0 ? refusal : SECCOMP_RET_ALLOW;
  std::array<sock_filter, 7> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.operation, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refusal),
      BPF_STMT(BPF_RET | BPF_K, otherwise),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Runs `body` in a child, and fails where an expectation of it does.
inline void in_child(const std::function<void()>& body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "see above";
}

}  // namespace sluice
