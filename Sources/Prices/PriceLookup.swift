import Glibc

/// A price table that remembers the models it was asked for. One thread at a time.
package struct PriceLookup {
  private struct Entry {
    var hash: Int
    /// The model's name, then the provider's, in `names`.
    var start: Int
    var modelLength: Int
    var length: Int
    var schedule: PriceSchedule?
    /// What the schedule says of most calls, where that is one thing.
    var usual: PriceSchedule.Usual?
  }

  private let table: PriceTable
  private var entries: [Entry] = []
  private var names: [UInt8] = []
  /// Places of entries, by hash; -1 where there is none. Twice as many as entries, at least.
  private var slots: [Int32] = []
  /// What was asked for last: calls of one model mostly come behind one another.
  private var last = -1

  /// More models than this are forgotten, all at once: the names come from senders, and they may send any.
  private static let most = 4096

  package init(_ table: PriceTable) {
    self.table = table
    forget()
  }

  /// What a call, or a sum of calls, costs at a time in nanoseconds since the Unix epoch, in billionths of a US dollar; nil when
  /// no price is known. The provider is whoever was asked for the model, in whatever spelling; empty when nobody said.
  package mutating func cost(
    model: UnsafeRawBufferPointer, provider: UnsafeRawBufferPointer, at time: UInt64, _ usage: PricedUsage
  ) -> Int64? {
    guard model.count <= PriceTable.longestName, provider.count <= PriceTable.longestName else { return nil }
    let place = place(model, provider)
    if let usual = entries[place].usual, usage.lengthOfCall <= usual.mostInput { return usual.prices.cost(of: usage) }
    return entries[place].schedule?.prices(at: time)?.cost(of: usage)
  }

  private mutating func place(_ model: UnsafeRawBufferPointer, _ provider: UnsafeRawBufferPointer) -> Int {
    if last >= 0, isEntry(last, model, provider) { return last }
    // Most senders use few models: to look at these takes less than to hash a name.
    let few = 0..<min(entries.count, 8)
    last = few.first { isEntry($0, model, provider) } ?? findOrAdd(model, provider)
    return last
  }

  private mutating func findOrAdd(_ model: UnsafeRawBufferPointer, _ provider: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: model)
    hasher.combine(model.count)
    hasher.combine(bytes: provider)
    let hash = hasher.finalize()
    if let known = find(hash, model, provider) { return known }
    if entries.count == Self.most { forget() }
    let schedule = table.schedule(model: Array(model), provider: Array(provider))
    entries.append(
      Entry(
        hash: hash, start: names.count, modelLength: model.count, length: model.count + provider.count,
        schedule: schedule, usual: schedule?.usual))
    names.append(contentsOf: model)
    names.append(contentsOf: provider)
    if entries.count * 2 > slots.count {
      slots = Array(repeating: -1, count: slots.count * 2)
      for place in entries.indices { link(place) }
    } else {
      link(entries.count - 1)
    }
    return entries.count - 1
  }

  private func find(_ hash: Int, _ model: UnsafeRawBufferPointer, _ provider: UnsafeRawBufferPointer) -> Int? {
    var slot = hash & (slots.count - 1)
    while slots[slot] >= 0 {
      let place = Int(slots[slot])
      if entries[place].hash == hash, isEntry(place, model, provider) { return place }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private func isEntry(
    _ place: Int, _ model: UnsafeRawBufferPointer, _ provider: UnsafeRawBufferPointer
  ) -> Bool {
    let start = entries[place].start
    guard entries[place].modelLength == model.count, entries[place].length == model.count + provider.count else {
      return false
    }
    return names.withUnsafeBytes { names in
      func isThere(_ text: UnsafeRawBufferPointer, at place: Int) -> Bool {
        text.isEmpty || memcmp(names.baseAddress! + place, text.baseAddress!, text.count) == 0
      }
      return isThere(model, at: start) && isThere(provider, at: start + model.count)
    }
  }

  private mutating func link(_ place: Int) {
    var slot = entries[place].hash & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(place)
  }

  private mutating func forget() {
    last = -1
    entries.removeAll()
    names.removeAll()
    slots = Array(repeating: -1, count: 64)
  }
}
