import { PAIR_SIZE, pairOf } from './field-pair'

/**
 * The constants of RFC 9380 for secp256k1: E' : y² = x³ + Ax + B with Z (section 8.7), √(−Z), and the
 * coefficients k(i,j) of the 3-isogeny to the curve (appendix E.1), each in both lanes.
 */
const COUNT: usize = 17

const pairs = memory.data(1360, 16)

export const MAP_Z: usize = pairs
export const MAP_A: usize = pairs + PAIR_SIZE
export const MAP_B: usize = pairs + 2 * PAIR_SIZE
export const ROOT_11: usize = pairs + 3 * PAIR_SIZE
export const K1: usize = pairs + 4 * PAIR_SIZE
export const K2: usize = pairs + 8 * PAIR_SIZE
export const K3: usize = pairs + 10 * PAIR_SIZE
export const K4: usize = pairs + 14 * PAIR_SIZE

/** Nine limbs each. */
const single = memory.data<u32>(
  [
    0x1ffffc24, 0x1ffffff7, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff,
    0x00ffffff, // Z = −11
    0x1a444533, 0x02a23e00, 0x1bc39750, 0x07a6c796, 0x1d272e95, 0x0aac787a, 0x0b728229, 0x157bacc3,
    0x003f8731, // A
    0x000006eb, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x00000000, // B = 1771
    0x103c4a59, 0x03394e41, 0x11e2774a, 0x109e014e, 0x02afeec1, 0x1fd9c7c2, 0x0f95eb44, 0x004e4802,
    0x0031fdf3, // √11
    0x0aaaa8c7, 0x11c71c6d, 0x038e38e3, 0x071c71c7, 0x0e38e38e, 0x1c71c71c, 0x18e38e38, 0x11c71c71,
    0x008e38e3, // k(1,0)
    0x117c6581, 0x1ff88227, 0x1d8ee4b7, 0x0ba5f817, 0x144c5d59, 0x0ae753fe, 0x0756e7cc, 0x19017864,
    0x0007d3d4, // k(1,1)
    0x1d9dd262, 0x165e85a9, 0x1f100c53, 0x00c28806, 0x1caece45, 0x09ef6512, 0x139b8a90, 0x11a47e46,
    0x00534c32, // k(1,2)
    0x0aaaa88c, 0x11c71c6d, 0x038e38e3, 0x071c71c7, 0x0e38e38e, 0x1c71c71c, 0x18e38e38, 0x11c71c71,
    0x008e38e3, // k(1,3)
    0x181eb49b, 0x1f35ba2b, 0x1e121f67, 0x1a812a85, 0x040dd86c, 0x0665dbdb, 0x062a728d, 0x0327b292,
    0x00d35771, // k(2,0)
    0x0a8c6d14, 0x0952b309, 0x17906ef1, 0x06d6c83e, 0x0225406d, 0x196a8daa, 0x1077df12, 0x1ec8707b,
    0x00edadc6, // k(2,1)
    0x0e38e23c, 0x097b425c, 0x1da12f68, 0x1097b425, 0x0bda12f6, 0x0d097b42, 0x04bda12f, 0x1ed097b4,
    0x004bda12, // k(3,0)
    0x001d71a3, 0x1fe487e1, 0x01b69bf7, 0x15608dad, 0x0a6d5647, 0x12a58950, 0x103ea742, 0x065ab96f,
    0x00c75e0c, // k(3,1)
    0x1ecee931, 0x1b2f42d4, 0x0f880629, 0x10614403, 0x0e576722, 0x04f7b289, 0x09cdc548, 0x08d23f23,
    0x0029a619, // k(3,2)
    0x18e38d84, 0x05ed0979, 0x1684bda1, 0x025ed097, 0x0f684bda, 0x1425ed09, 0x12f684bd, 0x1b425ed0,
    0x002f684b, // k(3,3)
    0x1ffff93b, 0x1ffffff7, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff,
    0x00ffffff, // k(4,0)
    0x085c2573, 0x1da12e93, 0x1a365e37, 0x0f837f91, 0x0c298946, 0x13319391, 0x127f57a7, 0x097717b6,
    0x007a0653, // k(4,1)
    0x1fd2a76f, 0x1dfc0c95, 0x0358a669, 0x1a422c5e, 0x0337e0a3, 0x061fd47f, 0x08b3ce9c, 0x0e2ca8b9,
    0x006484aa, // k(4,2)
  ],
  16,
)

/** Puts each constant in both lanes: once, before any use. */
export function mapInit(): void {
  const element = memory.data(40, 16)
  for (let i: usize = 0; i < COUNT; i++) {
    memory.copy(element, single + 36 * i, 36)
    pairOf(pairs + i * PAIR_SIZE, element, element)
  }
}
