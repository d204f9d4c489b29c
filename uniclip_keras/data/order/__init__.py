"""Which sample comes when: a function of the seed and of a row's number.

Rows are the places of samples in the training, counted from 0 over all batches.
`schedule` says which source a row draws from, and how many draws from it came
before; `sample_order` says which sample of the source a draw gives; `windows`
reads samples before they are drawn; `rows` puts these together.
"""
