	.text
f:
	movq %rax
	bogus %rbx
