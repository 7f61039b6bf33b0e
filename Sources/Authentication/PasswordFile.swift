import Locks

/// The names and passwords of an htpasswd file, and what was found out about them. Hashes are slow on purpose: a password is
/// hashed once, and known by its digest from then on.
final class PasswordFile: Sendable {
  enum Verdict {
    case right, wrong
    /// There were so many wrong ones that no further one is looked at now.
    case unknown
  }

  private struct Memory {
    /// The password of a user that was right.
    var right: [String: SecretDigest] = [:]
    /// Names with passwords that were wrong.
    var wrong: Set<SecretDigest> = []
    var window: UInt64 = 0
    var wrongInWindow = 0
  }

  private static let maxWrong = 4096

  private let passwords: [String: HashedPassword]
  private let maxFailuresPerSecond: Int
  private let memory = Locked(Memory())
  /// One thread hashes at a time.
  private let hashing = Lock()

  /// - Parameters:
  ///   - text: a `name:password` a line; empty ones, and ones that begin with `#`, say nothing. The last line of a name holds.
  ///   - maxFailuresPerSecond: wrong passwords that are hashed within a second.
  /// - Throws: what is wrong, with its line.
  init(_ text: String, maxFailuresPerSecond: Int) throws(CredentialFileError) {
    self.maxFailuresPerSecond = maxFailuresPerSecond
    var passwords: [String: HashedPassword] = [:]
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.trimmingBlanks
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else {
        throw CredentialFileError(description: "line \(number + 1): expected name:password")
      }
      do throws(CredentialFileError) {
        passwords[String(line[..<colon])] = try HashedPassword(String(line[line.index(after: colon)...]))
      } catch {
        throw CredentialFileError(description: "line \(number + 1): \(error)")
      }
    }
    self.passwords = passwords
  }

  var isEmpty: Bool { passwords.isEmpty }

  /// Whether this is the user's password.
  func verdict(on password: String, of user: String) -> Verdict {
    let digest = SecretDigest(of: password, named: user)
    if let known = known(digest, of: user) { return known }
    return hashing.withLock {
      // Another thread may have found it out meanwhile.
      if let known = known(digest, of: user) { return known }
      // A name that nobody has takes as long as one that somebody has.
      let hash = passwords[user] ?? passwords.first?.value
      let isRight = hash?.isHash(of: password) ?? false && passwords[user] != nil
      memory.withLock { memory in
        if isRight {
          memory.right[user] = digest
        } else {
          if memory.wrong.count >= Self.maxWrong { memory.wrong.removeAll() }
          memory.wrong.insert(digest)
          memory.wrongInWindow += 1
        }
      }
      return isRight ? .right : .wrong
    }
  }

  /// What is known without hashing; nil for nothing.
  private func known(_ digest: SecretDigest, of user: String) -> Verdict? {
    memory.withLock { memory in
      if memory.right[user] == digest { return .right }
      if memory.wrong.contains(digest) { return .wrong }
      let second = MonotonicClock.now() / 1_000_000_000
      if second != memory.window { (memory.window, memory.wrongInWindow) = (second, 0) }
      return memory.wrongInWindow >= maxFailuresPerSecond ? .unknown : nil
    }
  }
}
