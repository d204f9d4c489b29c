"""Which sample comes when: a function of the seed and of a row's number.

Rows are the places of samples in the training, counted from 0 over all batches.
`schedule` says which source a row draws from, and the how manieth draw it is;
`sample_order` says which sample of the source that is; `windows` reads samples
before they are drawn; `rows` puts them together.
"""
