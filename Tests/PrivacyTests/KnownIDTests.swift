import Testing

@testable import Privacy

/// Where an id is found within other texts.
struct KnownIDTests {
  private let pseudonyms = Pseudonyms(key: "0123456789abcdef")

  private func replaced(_ users: [String], in text: String, _ place: KnownIDs.Place = .value) -> String {
    let known = KnownIDs(
      users.map { id in KnownUser(Array(id.utf8), pseudonyms) })
    let new = Array(text.utf8).withUnsafeBytes { known.replaced(in: $0, place) }
    var result = new.map { String(decoding: $0, as: UTF8.self) } ?? text
    for (number, user) in users.enumerated() {
      result = result.replacing(pseudonyms.pseudonym(of: user), with: "<\(number)>")
    }
    return result
  }

  @Test("A pseudonym is u_ and 32 digits of the id's HMAC-SHA-256")
  func form() {
    // printf %s alice | openssl dgst -sha256 -hmac 0123456789abcdef
    #expect(pseudonyms.pseudonym(of: "alice") == "u_fdbf8b1cacd3d578e062d0e41104357d")
  }

  @Test("A word is found where no letter or digit stands beside it, and an escape is no letter")
  func words() {
    #expect(replaced(["alice"], in: "alice") == "<0>")
    #expect(replaced(["alice"], in: "ask alice, malice or alice2") == "ask <0>, malice or alice2")
    #expect(replaced(["alice"], in: #"a\nalice\u00e9alice%20alice"#) == #"a\n<0>\u00e9<0>%20<0>"#)
    #expect(replaced(["alice"], in: "sub_alice-x@y") == "sub_<0>-x@y")
  }

  @Test("A longer id is found within words, but not where a number goes on")
  func longIDs() {
    #expect(replaced(["customer-1"], in: "xcustomer-1y customer-12 2customer-1") == "x<0>y customer-12 2<0>")
    #expect(replaced(["user-1", "user-12"], in: "user-12 user-1 user-123") == "<1> <0> user-123")
  }

  @Test("A short id is found nowhere, and one of letters alone is no name")
  func limits() {
    #expect(replaced(["bob"], in: "bob") == "bob")
    #expect(replaced(["alice"], in: "alice", .name) == "alice")
    #expect(replaced(["alice-1"], in: "of.alice-1", .name) == "of.<0>")
  }

  @Test("A bare number in JSON gets quotes")
  func numbers() {
    #expect(replaced(["100234"], in: #"{"account": 100234, "x": "100234"}"#) == #"{"account": "<0>", "x": "<0>"}"#)
  }
}
