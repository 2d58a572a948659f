/** Exact sizes of the oblivious-transfer parts of the messages (02 §2.2, §3); bytes. */
export const OTS = 256 // κ base OTs per direction
export const POINT_BYTES = 33
export const SID_BYTES = 32
/** P2: 256 × (φ_0 ‖ φ_1). */
export const PHI_BYTES = 16_896
/** P3: 64 blocks of 320. */
export const PPRF_BYTES = 20_480
/** R1b: U 5,120 ‖ x̂ 16 ‖ t̂ 4,096. */
export const M1_BYTES = 9_232
/** R2: Ã 49,152 ‖ η 32 ‖ μ 64. */
export const M2_BYTES = 49_248
