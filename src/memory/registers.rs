//! Clearing registers: copying a text leaves its last bytes in them.

/// Clears the registers that texts are copied through. What is left in them goes to the stack at the
/// next signal, and into core dumps.
///
/// Registers that the ABI makes a function preserve keep their values: the compiler saves and restores
/// them around the assembly. On other processors than x86-64 and AArch64 this does nothing.
#[inline(never)]
pub(crate) fn clear_registers() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::{asm, is_x86_feature_detected};
        // The upper parts of 0 to 15.
        if is_x86_feature_detected!("avx") {
            // SAFETY: the processor has it, and the compiler knows which registers change.
            unsafe { asm!("vzeroupper", clobber_abi("C"), options(nomem, nostack)) };
        }
        // Processors with AVX-512 but without VL (Xeon Phi) keep 16 to 31, which no copy uses there.
        if is_x86_feature_detected!("avx512vl") {
            // SAFETY: as above.
            unsafe {
                asm!(
                    "vpxord xmm16, xmm16, xmm16",
                    "vpxord xmm17, xmm17, xmm17",
                    "vpxord xmm18, xmm18, xmm18",
                    "vpxord xmm19, xmm19, xmm19",
                    "vpxord xmm20, xmm20, xmm20",
                    "vpxord xmm21, xmm21, xmm21",
                    "vpxord xmm22, xmm22, xmm22",
                    "vpxord xmm23, xmm23, xmm23",
                    "vpxord xmm24, xmm24, xmm24",
                    "vpxord xmm25, xmm25, xmm25",
                    "vpxord xmm26, xmm26, xmm26",
                    "vpxord xmm27, xmm27, xmm27",
                    "vpxord xmm28, xmm28, xmm28",
                    "vpxord xmm29, xmm29, xmm29",
                    "vpxord xmm30, xmm30, xmm30",
                    "vpxord xmm31, xmm31, xmm31",
                    clobber_abi("C"),
                    options(nomem, nostack)
                );
            }
        }
        // SAFETY: as above; every x86-64 processor has these.
        unsafe {
            asm!(
                "pxor xmm0, xmm0",
                "pxor xmm1, xmm1",
                "pxor xmm2, xmm2",
                "pxor xmm3, xmm3",
                "pxor xmm4, xmm4",
                "pxor xmm5, xmm5",
                "pxor xmm6, xmm6",
                "pxor xmm7, xmm7",
                "pxor xmm8, xmm8",
                "pxor xmm9, xmm9",
                "pxor xmm10, xmm10",
                "pxor xmm11, xmm11",
                "pxor xmm12, xmm12",
                "pxor xmm13, xmm13",
                "pxor xmm14, xmm14",
                "pxor xmm15, xmm15",
                // Short texts are copied through these.
                "xor eax, eax",
                "xor ecx, ecx",
                "xor edx, edx",
                "xor esi, esi",
                "xor edi, edi",
                "xor r8d, r8d",
                "xor r9d, r9d",
                "xor r10d, r10d",
                "xor r11d, r11d",
                out("rsi") _,
                out("rdi") _,
                clobber_abi("C"),
                options(nomem, nostack)
            );
        }
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: every AArch64 processor that Rust supports has these, and the compiler knows which
    // registers change. Writing the lower half of a register clears what is above, SVE's part too.
    unsafe {
        std::arch::asm!(
            "movi v0.2d, #0",
            "movi v1.2d, #0",
            "movi v2.2d, #0",
            "movi v3.2d, #0",
            "movi v4.2d, #0",
            "movi v5.2d, #0",
            "movi v6.2d, #0",
            "movi v7.2d, #0",
            "movi v8.2d, #0",
            "movi v9.2d, #0",
            "movi v10.2d, #0",
            "movi v11.2d, #0",
            "movi v12.2d, #0",
            "movi v13.2d, #0",
            "movi v14.2d, #0",
            "movi v15.2d, #0",
            "movi v16.2d, #0",
            "movi v17.2d, #0",
            "movi v18.2d, #0",
            "movi v19.2d, #0",
            "movi v20.2d, #0",
            "movi v21.2d, #0",
            "movi v22.2d, #0",
            "movi v23.2d, #0",
            "movi v24.2d, #0",
            "movi v25.2d, #0",
            "movi v26.2d, #0",
            "movi v27.2d, #0",
            "movi v28.2d, #0",
            "movi v29.2d, #0",
            "movi v30.2d, #0",
            "movi v31.2d, #0",
            "mov x0, xzr",
            "mov x1, xzr",
            "mov x2, xzr",
            "mov x3, xzr",
            "mov x4, xzr",
            "mov x5, xzr",
            "mov x6, xzr",
            "mov x7, xzr",
            "mov x8, xzr",
            "mov x9, xzr",
            "mov x10, xzr",
            "mov x11, xzr",
            "mov x12, xzr",
            "mov x13, xzr",
            "mov x14, xzr",
            "mov x15, xzr",
            "mov x16, xzr",
            "mov x17, xzr",
            clobber_abi("C"),
            options(nomem, nostack)
        );
    }
}
