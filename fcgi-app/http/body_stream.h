// A response body that comes in pieces, each made when the client has room for it.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "base/task.h"

namespace sluice::http {

// The server owns it, pulls one piece after the other, and destroys it when the body is over, or
// the client is gone: also while next() waits. A next() that is destroyed must not be resumed any
// more: whatever it awaits unlinks itself.
class BodyStream {
 public:
  // The most bytes of one piece. A client that does not read holds one, and what the server's own
  // bound allows (fcgi::StreamBounds).
  static constexpr std::size_t kMaxPiece = 16'384;

  BodyStream() = default;
  virtual ~BodyStream() = default;
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  // The next piece, at most kMaxPiece bytes; an empty one says that the body is whole. It may take
  // any time. Error, of any code, or an exception: the body cannot go on; it is broken off, so that
  // nobody takes it for a whole one. The server asks for one piece at a time, and for none after
  // the last one. It never destroys the stream from within its own code, or from within what
  // resumes next(): the stream lives until the end of the loop's turn.
  virtual Task<Result<std::string>> next() = 0;

  // The worker is going to end. The stream ends its body well, as soon as it can: a next() that
  // waits may be resumed from here. What is not over in some seconds is cut off. Called at most
  // once, while the body is not over, and perhaps before the first next().
  virtual void drain() {}
};

}  // namespace sluice::http
