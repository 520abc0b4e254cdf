// A session against a server of OpenSSL's own, in memory: bytes go from one to the other by hand.
#include "redis/tls.h"

#include <array>
#include <fstream>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "redis/certificate.h"
#include "temporary_directory.h"

namespace sluice::redis {
namespace {

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string ca = directory_.path() + "/ca.pem";
    write_pem(ca, *certificate_);
    context_ = TlsContext::load({ca, "", ""}).value();
    SSL_CTX_use_certificate(server_context_.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(server_context_.get(), key_.get());
    server_.reset(SSL_new(server_context_.get()));
    SSL_set_bio(server_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(server_.get());
  }

  // Carries bytes both ways, `step` at a time, until neither has more to say. Keeps what the
  // session reads in text_, and what ended it in end_.
  void exchange(TlsSession& session, std::size_t step = 1000) {
    std::array<char, 100'000> buffer{};
    bool moved = true;
    while (moved && !end_) {
      const std::string sent = std::exchange(session.outgoing(), {});
      if (!sent.empty()) {
        BIO_write(SSL_get_rbio(server_.get()), sent.data(), static_cast<int>(sent.size()));
      }
      const int size = SSL_read(server_.get(), buffer.data(), buffer.size());
      if (size > 0) received_.append(buffer.data(), static_cast<std::size_t>(size));
      BIO* const outgoing = SSL_get_wbio(server_.get());
      const int answered = BIO_read(outgoing, buffer.data(), buffer.size());
      std::string_view rest(buffer.data(), static_cast<std::size_t>(std::max(answered, 0)));
      moved = !sent.empty() || size > 0 || !rest.empty();
      while (!rest.empty() && !end_) {
        end_ = session.open(rest.substr(0, step), text_);
        rest.remove_prefix(std::min(step, rest.size()));
      }
    }
  }

  TemporaryDirectory directory_;
  Key key_{EVP_EC_gen("P-256")};
  Certificate certificate_ = self_signed(key_.get(), "DNS:redis.test,IP:10.0.0.1,IP:fd00::1");
  std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> server_context_{SSL_CTX_new(TLS_server_method())};
  std::unique_ptr<SSL, Free<SSL_free>> server_;
  std::shared_ptr<const TlsContext> context_;
  std::string received_;
  std::string text_;
  std::optional<std::string> end_;
};

TEST_F(TlsTest, HandshakesAndReadsByteByByte) {
  TlsSession session(*context_, "redis.test");
  EXPECT_FALSE(session.is_up());
  exchange(session, 1);
  ASSERT_TRUE(session.is_up()) << end_.value_or("");
  EXPECT_STREQ(SSL_get_servername(server_.get(), TLSEXT_NAMETYPE_host_name), "redis.test");
  session.seal("PING");
  session.seal("");
  exchange(session, 1);
  EXPECT_EQ(received_, "PING");
  SSL_write(server_.get(), "+PONG", 5);
  exchange(session, 1);
  EXPECT_EQ(text_, "+PONG");
}

TEST_F(TlsTest, LeavesNothingOfManyRecordsBehind) {
  TlsSession session(*context_, "redis.test");
  exchange(session);
  const std::string large(90'000, 'x');
  session.seal(large);
  SSL_write(server_.get(), large.data(), static_cast<int>(large.size()));
  exchange(session, 100'000);  // several records, of which a socket would tell but once
  EXPECT_EQ(text_, large);
  while (received_.size() < large.size()) exchange(session);
  EXPECT_EQ(received_, large);
}

TEST_F(TlsTest, AnswersNewKeysWhileItOnlyReads) {
  TlsSession session(*context_, "redis.test");
  exchange(session);
  SSL_key_update(server_.get(), SSL_KEY_UPDATE_REQUESTED);
  SSL_write(server_.get(), "a", 1);
  exchange(session);
  EXPECT_EQ(SSL_get_key_update_type(server_.get()), SSL_KEY_UPDATE_NONE);
  session.seal("b");
  exchange(session);
  EXPECT_EQ(text_ + received_, "ab");
  EXPECT_FALSE(end_);
}

TEST_F(TlsTest, KnowsAddressesByTheirLiterals) {
  for (const auto& [host, good] : std::vector<std::pair<std::string, bool>>{
           {"10.0.0.1", true}, {"fd00::1", true}, {"10.0.0.2", false}, {"fd00::2", false}}) {
    SetUp();
    end_.reset();
    TlsSession session(*context_, host);
    exchange(session);
    EXPECT_EQ(session.is_up() && !end_, good) << host;
    EXPECT_EQ(SSL_get_servername(server_.get(), TLSEXT_NAMETYPE_host_name), nullptr);
    if (!good) {
      EXPECT_EQ(*end_, "TLS: certificate for " + host + ": IP address mismatch");
    }
  }
}

TEST_F(TlsTest, RefusesAnotherNameAndAnUnknownCertificate) {
  {
    TlsSession session(*context_, "redis.tes");
    exchange(session);
    EXPECT_EQ(end_, "TLS: certificate for redis.tes: hostname mismatch");
  }
  certificate_ = self_signed(key_.get(), "DNS:redis.test");
  const auto before = context_;
  SetUp();
  end_.reset();
  TlsSession session(*before, "redis.test");
  exchange(session);
  EXPECT_TRUE(end_);
  EXPECT_TRUE(end_->starts_with("TLS: certificate for redis.test: ")) << *end_;
}

TEST_F(TlsTest, EndsOnAGoodbyeAfterTheLastWordAndOnRubbish) {
  TlsSession session(*context_, "redis.test");
  exchange(session);
  SSL_write(server_.get(), "last", 4);
  SSL_shutdown(server_.get());
  exchange(session);
  EXPECT_EQ(text_, "last");
  EXPECT_EQ(end_, "closed by Redis");

  TlsSession other(*context_, "redis.test");
  EXPECT_EQ(other.open("-ERR unknown command\r\n", text_),
            "TLS: Redis does not speak it at this port");
  EXPECT_EQ(text_, "last");
}

TEST_F(TlsTest, RefusesOldProtocols) {
  SSL_set_min_proto_version(server_.get(), TLS1_VERSION);
  SSL_set_max_proto_version(server_.get(), TLS1_1_VERSION);
  SSL_set_cipher_list(server_.get(), "DEFAULT@SECLEVEL=0");
  TlsSession session(*context_, "redis.test");
  exchange(session);
  EXPECT_FALSE(session.is_up());
  EXPECT_TRUE(end_);
}

TEST_F(TlsTest, NamesTheFileThatCannotBeUsed) {
  const std::string rubbish = directory_.path() + "/rubbish.pem";
  std::ofstream(rubbish) << "rubbish\n";
  const std::string none = directory_.path() + "/none.pem";
  const std::string ca = directory_.path() + "/ca.pem";
  const std::vector<std::pair<TlsFiles, std::string>> rows{
      {{none, "", ""}, none + ": No such file or directory"},
      {{directory_.path(), "", ""}, directory_.path() + ": is not a regular file"},
      {{rubbish, "", ""}, rubbish + ": has no certificate in PEM"},
      {{ca, rubbish, rubbish}, rubbish + ": has no certificate in PEM, or one too weak"},
      {{ca, ca, rubbish}, rubbish + ": has no key of " + ca + " in PEM, or one with a passphrase"}};
  for (const auto& [files, complaint] : rows) {
    const auto loaded = TlsContext::load(files);
    ASSERT_FALSE(loaded) << complaint;
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidConfig);
    EXPECT_EQ(loaded.error().detail, complaint);
  }
}

}  // namespace
}  // namespace sluice::redis
