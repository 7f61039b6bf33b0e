/// Which span of a trace hangs on which, whatever order they come in, and whatever a hostile sender says of their parents.
/// Keeps its memory for the next trace.
struct SpanTree: ~Copyable {
  private var ids = Scratch<UInt64>()
  private var known = Scratch<Int32>()
  private var order = Scratch<Int32>()
  /// Places whose parents are left out, since they would be below themselves.
  private var cuts = Scratch<Int32>()

  /// Children that are not in `upwards` yet.
  private var left = Scratch<Int32>()
  /// Places by the ids' hashes; -1 where there is none. A power of two of them.
  private var slots = Scratch<Int32>()
  /// Senders choose the ids: where they land is nobody's business.
  private let seed = UInt64.random(in: .min ... .max) | 1

  private static let leastSlots = 32

  var count: Int { ids.count }
  /// For each span the place of its parent; -1 where none is known. There are no circles.
  var parents: UnsafePointer<Int32> { UnsafePointer(known.elements) }
  /// All places, each behind those of its children.
  var upwards: UnsafeBufferPointer<Int32> { order.all }

  /// How many known spans are above each. What hangs on a circle has as many above it as there are spans.
  var depths: [Int32] {
    let most = Int32(truncatingIfNeeded: count)
    var depths = [Int32](repeating: 0, count: count)
    for cut in cuts.all { depths[Int(cut)] = most }
    for place in upwards.reversed() {
      let parent = parents[Int(place)]
      if parent >= 0 { depths[Int(place)] = min(most, depths[Int(parent)] + 1) }
    }
    return depths
  }

  /// Begins a trace.
  mutating func clear() {
    ids.clear()
    known.clear()
    order.clear()
    cuts.clear()
    left.clear()
    slots.clear()
    slots.append(repeating: -1, count: Self.leastSlots)
  }

  /// Takes note of a span.
  ///
  /// - Returns: false when its id is known already; it is left out then.
  @inline(__always)
  mutating func add(_ id: UInt64) -> Bool {
    let slot = slot(of: id)
    if slots.elements[slot] >= 0 { return false }
    slots.elements[slot] = Int32(truncatingIfNeeded: ids.count)
    ids.append(id)
    if ids.count * 2 >= slots.count { grow() }
    return true
  }

  /// Puts the spans in order, when all are known: `parentOf` tells a place's parent by its id, 0 for none.
  @inline(__always)
  mutating func link(_ parentOf: (Int) -> UInt64) {
    left.append(repeating: 0, count: count)
    // Those that hang on the same span mostly come behind one another.
    var last = (id: UInt64(0), place: Int32(-1))
    for place in 0..<count {
      let id = parentOf(place)
      if id != last.id { last = (id, id == 0 ? -1 : slots.elements[slot(of: id)]) }
      known.append(last.place)
      if last.place >= 0 { left.elements[Int(last.place)] += 1 }
    }
    sort()
  }

  private mutating func sort() {
    for place in 0..<count where left.elements[place] == 0 { order.append(Int32(truncatingIfNeeded: place)) }
    climb(from: 0)
    if order.count < count { cutCircles() }
  }

  /// Adds each parent whose children are all in.
  private mutating func climb(from start: Int) {
    var next = start
    while next < order.count {
      let parent = known.elements[Int(order.elements[next])]
      next += 1
      if parent >= 0 {
        left.elements[Int(parent)] -= 1
        if left.elements[Int(parent)] == 0 { order.append(parent) }
      }
    }
  }

  /// What is left when all that can be climbed is are circles. Each becomes a line: the span with the smallest id is on top.
  private mutating func cutCircles() {
    for start in 0..<count where left.elements[start] > 0 {
      var top = start
      var place = Int(known.elements[start])
      while place != start {
        if ids.elements[place] < ids.elements[top] { top = place }
        place = Int(known.elements[place])
      }
      let bottom = known.elements[top]
      known.elements[top] = -1
      cuts.append(Int32(truncatingIfNeeded: top))
      left.elements[Int(bottom)] -= 1
      order.append(bottom)
      climb(from: order.count - 1)
    }
  }

  /// Where a span is, or would be.
  @inline(__always)
  private func slot(of id: UInt64) -> Int {
    let product = id.multipliedFullWidth(by: seed)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: product.high ^ product.low) & mask
    while slots.elements[slot] >= 0, ids.elements[Int(slots.elements[slot])] != id { slot = (slot + 1) & mask }
    return slot
  }

  @inline(never)
  private mutating func grow() {
    let count = slots.count * 2
    slots.clear()
    slots.append(repeating: -1, count: count)
    for place in 0..<self.count { slots.elements[slot(of: ids.elements[place])] = Int32(truncatingIfNeeded: place) }
  }
}
