// SPDX-License-Identifier: Apache-2.0
#include "storage/owner_properties.h"

#include <gtest/gtest.h>

namespace cloudsync::storage {
namespace {

ObjectInfo object_with(Metadata metadata) {
  ObjectInfo object;
  object.key = {"data/page.html"};
  object.metadata = std::move(metadata);
  return object;
}

TEST(OwnerProperties, EverythingAnOwnerGaveIsHandedOn) {
  ObjectInfo object = object_with({{"author", "ada"}, {"mode", "33188"}});
  object.content_type = "text/x-recipe";
  object.served = {"max-age=60", "inline", "de"};
  const OwnerProperties owner = owner_properties(object, true);
  EXPECT_EQ(owner.content_type, "text/x-recipe");
  EXPECT_EQ(owner.served, object.served);
  EXPECT_EQ(owner.metadata, *object.metadata);
  EXPECT_FALSE(owner.empty());
}

TEST(OwnerProperties, WhatDescribesTheOldBytesIsNot) {
  const OwnerProperties owner =
      owner_properties(object_with({{"mtime", "1"},
                                    {"md5chksum", "x"},
                                    {"s3cmd-attrs", "md5:x"},
                                    {"goog-reserved-file-mtime", "1"},
                                    {"cs_symlink", "target"},
                                    {"SHA256", "x"},
                                    {"x-amz-iv", "x"}}),
                       true);
  EXPECT_TRUE(owner.empty());
}

TEST(OwnerProperties, ATypeThatNobodyChoseIsNot) {
  ObjectInfo object = object_with({});
  for (const char* type :
       {"", "application/octet-stream", "binary/octet-stream", "text/html"}) {
    object.content_type = type;
    EXPECT_TRUE(owner_properties(object, true).empty()) << type;
  }
  object.content_type = "text/html; charset=koi8-r";
  EXPECT_EQ(owner_properties(object, true).content_type, object.content_type);
}

TEST(OwnerProperties, WhatNoHeaderCarriesIsNamed) {
  ObjectInfo object = object_with({{"author",
                                    "\xC3\x84"
                                    "da"},
                                   {"team", "red"}});
  object.served.content_disposition = "a\nb";
  std::string left_behind;
  const OwnerProperties owner = owner_properties(object, true, &left_behind);
  EXPECT_EQ(owner.metadata, (Metadata{{"team", "red"}}));
  EXPECT_EQ(owner.served, ServedHeaders{});
  EXPECT_EQ(left_behind, "Content-Disposition, author");
  EXPECT_EQ(owner_properties(object, false).metadata, *object.metadata);
}

TEST(OwnerProperties, AnEnvelopeIsToldByItsKey) {
  EXPECT_EQ(envelope_name({{"x-amz-key-v2", "k"}, {"x-amz-iv", "i"}}), "x-amz-key-v2");
  EXPECT_EQ(envelope_name({{"x-amz-key", "k"}}), "x-amz-key");
  EXPECT_EQ(envelope_name({{"x-amz-c", "115"}, {"x-amz-3", "k"}}), "x-amz-c");
  EXPECT_EQ(envelope_name({{"EncryptionData", "{}"}}), "EncryptionData");
  EXPECT_EQ(envelope_name({{"x-amz-matdesc", "{}"}, {"author", "ada"}}), "");
}

}  // namespace
}  // namespace cloudsync::storage
