#include "common/redis/script.hpp"

#include <catch2/catch.hpp>

TEST_CASE("script: the name in Redis' cache is the SHA-1 of the source", "[redis]")
{
    // FIPS 180-4's examples, and lengths around the padding's block.
    CHECK(shoal::redis::script("a", "abc").sha1() == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(shoal::redis::script("b", "").sha1() == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(shoal::redis::script("c", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").sha1() ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    const std::string million(1'000'000, 'a');
    CHECK(shoal::redis::script("d", million).sha1() == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
