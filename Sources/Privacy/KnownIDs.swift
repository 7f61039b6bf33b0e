import Glibc

/// End users' ids that may stand within texts, and the pseudonyms that take their places.
struct KnownIDs {
  typealias Bytes = UnsafeRawBufferPointer

  /// Where texts come from: in some of them a word that happens to be somebody's id means something else.
  enum Place {
    /// Values of a trace whose user that is.
    case value
    /// Keys, and what stands beside the spans of many traces.
    case name
  }

  private struct Spelling {
    let bytes: [UInt8]
    let pseudonym: [UInt8]
    /// Whether it is more than a word: it has something else than letters.
    let isDistinct: Bool
  }

  /// Sorted by their bytes; each once.
  private var spellings: [Spelling] = []
  /// By first byte: where its spellings begin.
  private var starts: [Int32] = []
  /// By byte: whether a spelling begins with it; and which does, when all begin with one.
  private var isFirst: [Bool] = []
  private var onlyFirst: UInt8?
  /// A longer id is found as a whole text alone.
  private static let longest = 128
  /// From so many bytes on, letters around a distinct id don't make it a part of something else.
  private static let long = 8

  /// Nobody's.
  init() {}

  /// `named`: users whose ids stand beside the texts themselves, and so mean what they say.
  init(_ users: [KnownUser], named: [KnownUser] = []) {
    var known: Set<[UInt8]> = []
    func add(_ user: KnownUser, isDistinct: Bool) {
      for bytes in user.spellings where known.insert(bytes).inserted {
        spellings.append(Spelling(bytes: bytes, pseudonym: user.pseudonym, isDistinct: isDistinct))
      }
    }
    for user in named { add(user, isDistinct: true) }
    for user in users { add(user, isDistinct: !user.id.allSatisfy(ASCII.isLetter)) }
    guard !spellings.isEmpty else { return }
    spellings.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    starts = [Int32](repeating: 0, count: 257)
    for spelling in spellings { starts[Int(spelling.bytes[0]) + 1] += 1 }
    for byte in 0..<256 { starts[byte + 1] += starts[byte] }
    isFirst = (0..<256).map { starts[$0] != starts[$0 + 1] }
    let first = spellings[0].bytes[0]
    if spellings[spellings.count - 1].bytes[0] == first { onlyFirst = first }
  }

  var isEmpty: Bool { spellings.isEmpty }

  /// A text with pseudonyms in place of ids; nil when there are none in it.
  func replaced(in text: Bytes, _ place: Place) -> [UInt8]? {
    guard !spellings.isEmpty, !text.isEmpty else { return nil }
    var result: [UInt8] = []
    var (copied, at) = (0, 0)
    while let next = nextStart(in: text, from: at) {
      at = next
      if let number = match(in: text, at: at, place) {
        let found = spellings[number]
        let range = at..<at + found.bytes.count
        let isBare = JSONPlace.isBareNumber(range, of: text)
        result.append(contentsOf: text[copied..<at])
        if isBare { result.append(UInt8(ascii: "\"")) }
        result.append(contentsOf: found.pseudonym)
        if isBare { result.append(UInt8(ascii: "\"")) }
        at = range.upperBound
        copied = at
      } else {
        at += 1
      }
    }
    guard copied > 0 else { return nil }
    result.append(contentsOf: text[copied...])
    return result
  }

  /// Whether an id's bytes stand anywhere, as part of whatever.
  func stand(in bytes: Bytes) -> Bool {
    guard !spellings.isEmpty else { return false }
    return bytes.indices.contains { place in
      let first = Int(bytes[place])
      return spellings[Int(starts[first])..<Int(starts[first + 1])].contains {
        bytes[place...].starts(with: $0.bytes)
      }
    }
  }

  /// The first place, from one on, where a spelling may begin; nil behind the last.
  @inline(__always)
  private func nextStart(in text: Bytes, from start: Int) -> Int? {
    guard start < text.count, let base = text.baseAddress else { return nil }
    if let onlyFirst {
      return memchr(base + start, Int32(onlyFirst), text.count - start).map { UnsafeRawPointer($0) - base }
    }
    return isFirst.withUnsafeBufferPointer { isFirst in
      var at = start
      while at < text.count {
        if isFirst[Int(text[at])] { return at }
        at += 1
      }
      return nil
    }
  }

  /// The longest spelling that stands at a place.
  private func match(in text: Bytes, at start: Int, _ place: Place) -> Int? {
    let first = Int(text[start])
    var (low, high) = (Int(starts[first]), Int(starts[first + 1]))
    var depth = 1
    var best: Int?
    while low < high {
      // All in the range begin with the same `depth` bytes, so the first of them is the one that may be no longer.
      if spellings[low].bytes.count == depth {
        if isMeant(spellings[low], in: text, at: start, place) { best = low }
        low += 1
        continue
      }
      guard start + depth < text.count, depth < Self.longest || start == 0 else { break }
      let byte = text[start + depth]
      low = partition(low, high) { $0[depth] >= byte }
      high = partition(low, high) { $0[depth] > byte }
      depth += 1
    }
    return best
  }

  /// The first of a range that fulfils what all behind it fulfil as well.
  private func partition(_ low: Int, _ high: Int, _ isBehind: ([UInt8]) -> Bool) -> Int {
    var (low, high) = (low, high)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(spellings[middle].bytes) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func isMeant(_ spelling: Spelling, in text: Bytes, at start: Int, _ place: Place) -> Bool {
    let bytes = spelling.bytes
    let end = start + bytes.count
    let isWhole = start == 0 && end == text.count
    if bytes.count > Self.longest, !isWhole { return false }
    if place == .name, !spelling.isDistinct { return false }
    if isWhole { return true }
    let before = start > 0 && !endsEscape(text, start) ? text[start - 1] : nil
    let after = end < text.count ? text[end] : nil
    // A number goes on: it is another one.
    if let before, ASCII.isDigit(before), ASCII.isDigit(bytes[0]) { return false }
    if let after, ASCII.isDigit(after), ASCII.isDigit(bytes[bytes.count - 1]) { return false }
    if spelling.isDistinct, bytes.count >= Self.long { return true }
    func isWord(_ byte: UInt8?) -> Bool { byte.map { ASCII.isDigit($0) || ASCII.isLetter($0) } ?? false }
    return !(isWord(before) && isWord(bytes[0])) && !(isWord(after) && isWord(bytes[bytes.count - 1]))
  }

  /// Whether an escape of JSON or of a URL ends at a place: `\n`, `\u00e9`, `%20`.
  private func endsEscape(_ text: Bytes, _ end: Int) -> Bool {
    func begins(_ length: Int, with mark: StaticString) -> Bool {
      guard end >= length else { return false }
      let count = mark.utf8CodeUnitCount
      let start = end - length
      return (0..<count).allSatisfy { text[start + $0] == mark.utf8Start[$0] }
        && text[(start + count)..<end].allSatisfy(ASCII.isHexDigit)
    }
    if begins(3, with: "%") || begins(6, with: "\\u") { return true }
    return end >= 2 && text[end - 2] == UInt8(ascii: "\\") && Array("nrtbf".utf8).contains(text[end - 1])
  }
}

/// An end user of a request.
struct KnownUser {
  let id: [UInt8]
  let pseudonym: [UInt8]
  /// How the id may be written within texts; none for one that is too short to be looked for.
  let spellings: Set<[UInt8]>

  init(_ id: [UInt8], _ pseudonyms: Pseudonyms) {
    self.id = id
    pseudonym = id.withUnsafeBytes { pseudonyms.pseudonym(of: $0) }
    spellings =
      id.count < pseudonyms.minLength
      ? [] : Spellings.all(of: id).filter { $0.count >= pseudonyms.minLength }
  }
}

/// What was worked out of users before: the same ones come again and again.
final class KnownUsers {
  private static let most = 10_000
  private var users: [[UInt8]: KnownUser] = [:]

  func user(_ id: [UInt8], _ pseudonyms: Pseudonyms) -> KnownUser {
    if let known = users[id] { return known }
    if users.count == Self.most { users.removeAll(keepingCapacity: true) }
    let user = KnownUser(id, pseudonyms)
    users[id] = user
    return user
  }
}
