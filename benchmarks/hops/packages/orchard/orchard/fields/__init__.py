"""The rows of trees and the work in them."""
