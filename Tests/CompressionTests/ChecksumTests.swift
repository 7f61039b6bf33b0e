import Compression
import Testing

struct ChecksumTests {
  private func crc(_ text: String, after previous: UInt32 = 0) -> UInt32 {
    Array(text.utf8).withUnsafeBytes { Checksum.crc32($0, after: previous) }
  }

  @Test func `a text has the checksum that everybody gives it`() {
    #expect(crc("123456789") == 0xCBF4_3926)
    #expect(crc("") == 0)
  }

  @Test func `parts have the checksum of the whole`() {
    #expect(crc("6789", after: crc("", after: crc("12345"))) == crc("123456789"))
  }
}
