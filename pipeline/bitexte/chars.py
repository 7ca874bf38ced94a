"""Characters that no segment may hold."""

import re

# What XML 1.0 cannot hold, the C1 controls but for U+0085 (a line end), and the marks of a damaged
# text: byte order marks and U+FFFD. Tab and line ends are left to those who join lines.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffd-\uffff]")
