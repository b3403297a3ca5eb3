"""The resources of Medblocks' API, one file each."""
