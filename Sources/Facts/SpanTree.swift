/// Which span of a trace hangs on which, whatever order they come in, and whatever a hostile sender says of their parents.
/// Keeps its memory for the next trace.
struct SpanTree {
  private(set) var ids: [UInt64] = []
  /// For each span the place of its parent; -1 where none is known. There are no circles.
  private(set) var parents: [Int32] = []
  /// All places, each behind those of its children.
  private(set) var upwards: [Int32] = []
  /// Places whose parents are left out, since they would be below themselves.
  private(set) var cuts: [Int32] = []

  /// Children that are not in `upwards` yet.
  private var left: [Int32] = []
  /// Places by the ids' hashes; -1 where there is none. The first `mask + 1` are in use.
  private var slots: [Int32] = []
  private var mask = 0
  /// Senders choose the ids: where they land is nobody's business.
  private let seed = UInt64.random(in: .min ... .max) | 1

  /// Above this, memory is given back rather than kept.
  private static let kept = 4096

  var count: Int { ids.count }

  /// How many known spans are above each. What hangs on a circle has as many above it as there are spans.
  var depths: [Int32] {
    let most = Int32(truncatingIfNeeded: count)
    var depths = [Int32](repeating: 0, count: count)
    for cut in cuts { depths[Int(cut)] = most }
    for place in upwards.reversed() {
      let parent = parents[Int(place)]
      if parent >= 0 { depths[Int(place)] = min(most, depths[Int(parent)] + 1) }
    }
    return depths
  }

  /// Begins a trace.
  mutating func clear() {
    if ids.capacity > Self.kept {
      (ids, parents, upwards, left, slots) = ([], [], [], [], [])
    }
    ids.removeAll(keepingCapacity: true)
    cuts.removeAll(keepingCapacity: true)
    reserveSlots(32)
  }

  /// Takes note of a span.
  ///
  /// - Returns: false when its id is known already; it is left out then.
  mutating func add(_ id: UInt64) -> Bool {
    var slot = home(of: id)
    while slots[slot] >= 0 {
      if ids[Int(slots[slot])] == id { return false }
      slot = (slot + 1) & mask
    }
    slots[slot] = Int32(truncatingIfNeeded: ids.count)
    ids.append(id)
    if ids.count * 2 > mask { grow() }
    return true
  }

  /// Puts the spans in order, when all are known: `parentOf` tells a place's parent by its id, 0 for none.
  mutating func link(_ parentOf: (Int) -> UInt64) {
    parents.removeAll(keepingCapacity: true)
    upwards.removeAll(keepingCapacity: true)
    left.removeAll(keepingCapacity: true)
    left.append(contentsOf: repeatElement(0, count: count))
    for place in 0..<count {
      let parent = find(parentOf(place))
      parents.append(parent)
      if parent >= 0 { left[Int(parent)] += 1 }
    }
    for place in 0..<count where left[place] == 0 { upwards.append(Int32(truncatingIfNeeded: place)) }
    climb(from: 0)
    if upwards.count < count { cutCircles() }
  }

  /// Adds each parent whose children are all in.
  private mutating func climb(from start: Int) {
    var next = start
    while next < upwards.count {
      let parent = Int(parents[Int(upwards[next])])
      next += 1
      if parent >= 0 {
        left[parent] -= 1
        if left[parent] == 0 { upwards.append(Int32(truncatingIfNeeded: parent)) }
      }
    }
  }

  /// What is left when all that can be climbed is are circles. Each becomes a line: the span with the smallest id is on top.
  private mutating func cutCircles() {
    for start in 0..<count where left[start] > 0 {
      var top = start
      var place = Int(parents[start])
      while place != start {
        if ids[place] < ids[top] { top = place }
        place = Int(parents[place])
      }
      let bottom = parents[top]
      parents[top] = -1
      cuts.append(Int32(truncatingIfNeeded: top))
      left[Int(bottom)] -= 1
      upwards.append(bottom)
      climb(from: upwards.count - 1)
    }
  }

  /// The place of a span; -1 when it is unknown.
  private func find(_ id: UInt64) -> Int32 {
    guard id != 0 else { return -1 }
    var slot = home(of: id)
    while slots[slot] >= 0 {
      if ids[Int(slots[slot])] == id { return slots[slot] }
      slot = (slot + 1) & mask
    }
    return -1
  }

  @inline(__always)
  private func home(of id: UInt64) -> Int {
    let product = id.multipliedFullWidth(by: seed)
    return Int(truncatingIfNeeded: product.high ^ product.low) & mask
  }

  private mutating func grow() {
    reserveSlots((mask + 1) * 2)
    for place in 0..<count {
      var slot = home(of: ids[place])
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(truncatingIfNeeded: place)
    }
  }

  /// Makes that many slots, all free.
  private mutating func reserveSlots(_ count: Int) {
    mask = count - 1
    for slot in 0..<min(count, slots.count) { slots[slot] = -1 }
    if slots.count < count { slots.append(contentsOf: repeatElement(-1, count: count - slots.count)) }
  }
}
