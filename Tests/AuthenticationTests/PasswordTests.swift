@testable import Authentication
import Foundation
import SelfTelemetry
import Testing

/// What htpasswd files have in place of passwords. The hashes were made by others: OpenBSD, Apache, OpenSSL.
struct PasswordTests {
  @Test(
    arguments: [
      ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
      ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
      ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
      ("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "myPassword"),
      ("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "myPassword"),
      ("{SSHA}MTIzNDU2Nzg5MDEyMzQ1Njc4OTBzYWx0", nil),
      ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "password"),
      (
        "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/", "password"
      ),
      ("plain as day", "plain as day"), ("", ""),
    ] as [(String, String?)])
  func `a password is known by its hash`(hash: String, password: String?) throws {
    let hashed = try HashedPassword(hash)
    if let password { #expect(hashed.isHash(of: password)) }
    for wrong in ["\(password ?? "")x", "u*u", "mypassword", "Password", " "] where wrong != password {
      #expect(!hashed.isHash(of: wrong))
    }
  }

  @Test func `Apache's MD5 is OpenSSL's`() throws {
    var random = SystemRandomNumberGenerator()
    for length in [0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 70] {
      let password = String(
        (0..<length).map { _ in Character(Unicode.Scalar(UInt8.random(in: 0x21...0x7E, using: &random))) })
      let salt = String((0..<8).map { _ in "abcdefgh./012XYZ".randomElement(using: &random)! })
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
      process.arguments = ["passwd", "-apr1", "-salt", salt, "-stdin"]
      let (input, output) = (Pipe(), Pipe())
      (process.standardInput, process.standardOutput) = (input, output)
      try process.run()
      try input.fileHandleForWriting.write(contentsOf: Data((password + "\n").utf8))
      try input.fileHandleForWriting.close()
      let hash = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      #expect(try HashedPassword(hash.trimmingCharacters(in: .newlines)).isHash(of: password), "\(hash)\(password)")
    }
  }

  @Test(arguments: ["$argon2id$v=19$m=1", "$9$what", "$apr1$onlysalt", "{SHA}????", "{SHA}dG9vc2hvcnQ=", "$"])
  func `what nobody can check is refused, not taken for a password`(text: String) {
    #expect(throws: CredentialFileError.self) { try HashedPassword(text) }
  }

  @Test(
    arguments: [
      ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob"), ("Zm9vYmE", "fooba"),
      ("Zm9vYmFy", "foobar"),
      ("Z", nil), ("Zm9v!", nil), ("Zg==Zg", nil), ("Zm 9v", nil),
    ] as [(String, String?)])
  func `base64 is read`(text: String, content: String?) {
    #expect(Base64.decode(text.utf8).map { String(decoding: $0, as: UTF8.self) } == content)
  }
}

struct PasswordFileTests {
  @Test func `lines are names and passwords`() throws {
    let file = try PasswordFile(
      "# people\n\n ada:one \r\nbob:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\nada:two:2\n", maxFailuresPerSecond: 100)
    #expect(file.verdict(on: "two:2", of: "ada") == .right)
    #expect(file.verdict(on: "one", of: "ada") == .wrong)
    #expect(file.verdict(on: "myPassword", of: "bob") == .right)
    #expect(file.verdict(on: "myPassword", of: "ada") == .wrong)
    #expect(file.verdict(on: "two:2", of: "eve") == .wrong)
  }

  @Test(arguments: [("ada", "line 1"), ("a:b\n:x", "line 2"), ("a:$9$x", "line 1"), ("ok:1\n\n\nb:{SHA}", "line 4")])
  func `what is wrong is named by its line`(text: String, place: String) {
    let error = #expect(throws: CredentialFileError.self) { try PasswordFile(text, maxFailuresPerSecond: 1) }
    #expect(error?.description.contains(place) == true)
  }

  @Test func `a password that was right needs no hashing again, and wrong ones are limited`() throws {
    let bcrypt = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"
    let file = try PasswordFile("ada:\(bcrypt)", maxFailuresPerSecond: 2)
    #expect(file.verdict(on: "U*U*", of: "ada") == .right)
    var verdicts: [PasswordFile.Verdict] = []
    for guess in 0..<1000 where verdicts.last != .unknown { verdicts.append(file.verdict(on: "\(guess)", of: "ada")) }
    #expect(verdicts.last == .unknown)
    // Known ones are answered all the same.
    #expect(file.verdict(on: "U*U*", of: "ada") == .right)
    #expect(file.verdict(on: "0", of: "ada") == .wrong)
  }
}
